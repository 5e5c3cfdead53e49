/* PROXY headers from a balancer. */
#include <stdlib.h>

#include "daemon/gate/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct address address;
    size_t len = 0;

    switch (proxy_parse(bytes_make(data, size), &len, &address)) {
    case PROXY_DONE:
        if (len > size)
            abort();
        break;
    case PROXY_MORE:
        if (len <= size || len > PROXY_BYTES_MAX)
            abort();
        break;
    case PROXY_BAD: break;
    }
    return 0;
}
