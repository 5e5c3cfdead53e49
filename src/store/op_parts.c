/* Walking the sets, lists and rows of ops. The bytes were checked when the op was decoded. */
#include "store/op_parts.h"

#include "base/reader.h"
#include "store/op_fields.h"

bool op_uids_next(struct op_uid_walk *walk, struct uid_range *out_range)
{
    const struct op_uids *uids = walk->uids;
    struct reader reader;

    if (uids->set.count != 0) {
        if (walk->done >= uids->set.count)
            return false;
        *out_range = uids->set.ranges[walk->done++];
        return true;
    }
    if (walk->done >= uids->ranges)
        return false;
    reader = reader_make(bytes_from(uids->raw, walk->at));
    if (!op_read_range(&reader, walk->last, out_range))
        return false;
    walk->last = out_range->last;
    walk->at += reader.offset;
    walk->done++;
    return true;
}

bool op_names_next(struct op_name_walk *walk, struct bytes *out_name)
{
    const struct op_names *names = walk->names;
    struct reader reader;

    if (walk->done >= names->count)
        return false;
    if (names->list != NULL) {
        *out_name = names->list[walk->done++];
        return true;
    }
    reader = reader_make(bytes_from(names->raw, walk->at));
    *out_name = reader_bytes(&reader);
    walk->at += reader.offset;
    walk->done++;
    return !reader.failed;
}

bool op_numbers_next(struct op_number_walk *walk, uint64_t *out_number)
{
    const struct op_numbers *numbers = walk->numbers;
    struct reader reader;

    if (walk->done >= numbers->count)
        return false;
    if (numbers->list != NULL) {
        *out_number = numbers->list[walk->done++];
        return true;
    }
    reader = reader_make(bytes_from(numbers->raw, walk->at));
    *out_number = op_read_id64(&reader);
    walk->at += reader.offset;
    walk->done++;
    return !reader.failed;
}

bool op_rows_next(struct op_row_walk *walk, struct row *out_row, struct place *out_place)
{
    const struct op_rows *rows = walk->rows;
    struct reader reader;

    if (walk->done >= rows->count)
        return false;
    if (rows->list != NULL) {
        *out_row = rows->list[walk->done];
        *out_place = rows->places[walk->done++];
        return true;
    }
    reader = reader_make(bytes_from(rows->raw, walk->at));
    if (!op_read_row(&reader, walk->last, out_row, out_place))
        return false;
    walk->last = out_row->uid.value;
    walk->at += reader.offset;
    walk->done++;
    return true;
}
