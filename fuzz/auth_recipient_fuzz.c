/* Which account names an address may stand for. */
#include <stdlib.h>

#include "auth/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes domains[] = { BYTES("example.org"), BYTES("\xc3\xa5.example") };
    struct recipient_names names;
    struct account_name name;
    struct account_name again;

    recipient_names(bytes_make(data, size), domains, ARRAY_COUNT(domains), &names);
    for (size_t i = 0; i < names.count; i++) {
        /* What is looked for is folded for good: folding it again changes nothing. */
        if (!account_name_fold(account_name_bytes(&names.key[i]), &again) ||
            !bytes_equal(account_name_bytes(&names.key[i]), account_name_bytes(&again)))
            abort();
    }
    if (account_name_check(bytes_make(data, size), &name, NULL) == ERR_OK &&
        !account_name_fold(account_name_bytes(&name), &again))
        abort();
    return 0;
}
