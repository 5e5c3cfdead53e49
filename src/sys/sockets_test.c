/* Listening and connecting. */
#include "sys/sockets.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/address.h"
#include "sys/fd.h"

static void test_tcp(void **state)
{
    int first[SOCKET_FDS_MAX];
    int second[SOCKET_FDS_MAX];
    size_t count = 0;
    struct note why = { "" };
    struct address address;

    (void)state;
    assert_int_equal(socket_listen_tcp("127.0.0.1", 0, first, &count, &why), ERR_OK);
    assert_int_equal(count, 1);
    assert_true(fd_check(first[0], FD_KIND_SOCKET_LISTENING));
    assert_true((fcntl(first[0], F_GETFL) & O_NONBLOCK) != 0);
    address = address_of_self(first[0]);
    assert_int_equal(socket_listen_tcp("127.0.0.1", address.port, second, &count, &why),
                     ERR_EXISTS);
    assert_non_null(strstr(why.text, "another server"));
    fd_close(&first[0]);
    /* An address that is not ours. */
    assert_true(socket_listen_tcp("192.0.2.77", 0, second, &count, &why) != ERR_OK);
    assert_int_equal(socket_listen_tcp("no.such.host.invalid", 1, second, &count, &why),
                     ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "no.such.host.invalid:1"));
}

static void test_unix(void **state)
{
    const struct socket_owner owner = { .mode = 0620, .uid = (uid_t)-1, .gid = (gid_t)-1 };
    char directory[] = "/tmp/roost-sockets-XXXXXX";
    char path[64];
    struct note why = { "" };
    struct stat st;
    uid_t uid = 0;
    int fd = -1;
    int again = -1;
    FD_LOCAL int client = -1;

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/socket", directory);
    assert_int_equal(socket_connect_unix(path, &client, &why), ERR_NOT_FOUND);
    assert_int_equal(socket_listen_unix(path, &owner, &fd, &why), ERR_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0620);
    assert_int_equal(socket_connect_unix(path, &client, &why), ERR_OK);
    assert_int_equal(socket_peer_uid(client, &uid), ERR_OK);
    assert_int_equal(uid, getuid());
    /* Alive: refused. Dead: replaced. Not a socket: refused. */
    assert_int_equal(socket_listen_unix(path, &owner, &again, &why), ERR_EXISTS);
    fd_close(&fd);
    assert_int_equal(socket_connect_unix(path, &again, &why), ERR_NOT_FOUND);
    assert_int_equal(socket_listen_unix(path, &owner, &fd, &why), ERR_OK);
    fd_close(&fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(socket_listen_unix(path, &owner, &fd, &why), ERR_EXISTS);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(directory), 0);
}

static void test_owners(void **state)
{
    struct socket_owner owner = { .mode = 0600 };
    struct note why = { "" };

    (void)state;
    assert_int_equal(socket_owner_find(NULL, NULL, &owner, &why), ERR_OK);
    assert_int_equal(owner.uid, (uid_t)-1);
    assert_int_equal(owner.gid, (gid_t)-1);
    assert_int_equal(socket_owner_find("root", "12", &owner, &why), ERR_OK);
    assert_int_equal(owner.uid, 0);
    assert_int_equal(owner.gid, 12);
    assert_int_equal(socket_owner_find("roost-nobody-here", NULL, &owner, &why), ERR_NOT_FOUND);
    assert_int_equal(socket_owner_find(NULL, "4294967295", &owner, &why), ERR_NOT_FOUND);
    assert_int_equal(owner.gid, 12);
    assert_int_equal(owner.mode, 0600);
}

static void test_a_path_too_long(void **state)
{
    const struct socket_owner owner = { .mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1 };
    char path[ADDRESS_PATH_MAX + 1];
    struct note why = { "" };
    int fd = -1;

    (void)state;
    memset(path, 'x', ADDRESS_PATH_MAX);
    path[ADDRESS_PATH_MAX] = '\0';
    assert_int_equal(socket_listen_unix(path, &owner, &fd, &why), ERR_LIMIT);
    assert_int_equal(fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_unix),
        cmocka_unit_test(test_owners),
        cmocka_unit_test(test_a_path_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
