/* The kernel's form of an address, for sys/listener.c only. */
#ifndef ROOST_SYS_ADDRESS_INTERNAL_H
#define ROOST_SYS_ADDRESS_INTERNAL_H

#include <sys/socket.h>

#include "sys/address.h"

struct address address_from_sockaddr(const struct sockaddr_storage *storage);

#endif
