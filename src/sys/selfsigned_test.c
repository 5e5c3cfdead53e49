/* The self-made certificate. */
#include "sys/selfsigned.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "sys/clock.h"

static X509 *parse(const struct buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->at, (int)pem->len);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    assert_non_null(certificate);
    return certificate;
}

static void test_names_and_dates(void **state)
{
    struct selfsigned pair = { buf_make(10000), buf_make(10000) };
    struct note why = { "" };
    struct wall now = clock_wall();
    time_t at = (time_t)wall_seconds(now);
    X509 *certificate;

    (void)state;
    assert_int_equal(selfsigned_make("mail.example", now, 365, &pair, &why), ERR_OK);
    certificate = parse(&pair.certificate_pem);
    assert_int_equal(X509_check_host(certificate, "mail.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(certificate, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(certificate, "other.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(certificate, "::1", 0), 1);
    assert_int_equal(X509_cmp_time(X509_get0_notBefore(certificate), &at), -1);
    at += 364L * 24 * 3600;
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(certificate), &at), 1);
    at += 2L * 24 * 3600;
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(certificate), &at), -1);
    assert_int_equal(X509_verify(certificate, X509_get0_pubkey(certificate)), 1);
    assert_non_null(memmem(pair.key_pem.at, pair.key_pem.len, "PRIVATE KEY", 11));
    X509_free(certificate);
    buf_done(&pair.certificate_pem);
    buf_done(&pair.key_pem);
}

static void test_an_address_as_name(void **state)
{
    struct selfsigned pair = { buf_make(10000), buf_make(10000) };
    X509 *certificate;

    (void)state;
    assert_int_equal(selfsigned_make("192.0.2.1", clock_wall(), 1, &pair, NULL), ERR_OK);
    certificate = parse(&pair.certificate_pem);
    assert_int_equal(X509_check_ip_asc(certificate, "192.0.2.1", 0), 1);
    X509_free(certificate);
    buf_done(&pair.certificate_pem);
    buf_done(&pair.key_pem);
}

static void test_refusals(void **state)
{
    char long_name[300];
    const char *const rows[] = { "", "a,DNS:evil", "a b", "a\nb", "a@b", long_name };
    struct selfsigned pair = { buf_make(10000), buf_make(10000) };
    struct selfsigned small = { buf_make(10), buf_make(10) };
    struct note why = { "" };

    (void)state;
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(selfsigned_make(rows[i], clock_wall(), 1, &pair, &why), ERR_INVALID);
    assert_true(buf_is_empty(&pair.certificate_pem) && buf_is_empty(&pair.key_pem));
    assert_int_equal(selfsigned_make("a", clock_wall(), 1, &small, &why), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_dates),
        cmocka_unit_test(test_an_address_as_name),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
