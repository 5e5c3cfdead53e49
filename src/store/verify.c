/* Verification: the segments one by one, in pieces. */
#include "store/verify.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/alloc.h"
#include "store/packed_body.h"
#include "store/verify_private.h"
#include "sys/vfs.h"

const char *verify_kind_text(enum verify_kind kind)
{
    switch (kind) {
    case VERIFY_SEGMENT: return "segment header";
    case VERIFY_FOREIGN: return "segment of another account";
    case VERIFY_COPY: return "copy of a segment header";
    case VERIFY_MISSING: return "missing segment";
    case VERIFY_SHORT: return "segment too short";
    case VERIFY_STRETCH: return "no record";
    case VERIFY_UNREADABLE: return "unreadable";
    case VERIFY_BODY: return "body";
    case VERIFY_CHANGE: return "change";
    case VERIFY_BASE: return "base";
    case VERIFY_LOST: return "lost body";
    }
    return "unknown";
}

struct verify *verify_new(struct vfs *vfs, struct verify_extent extent)
{
    struct verify *verify = store_alloc(1, sizeof(*verify));

    verify->vfs = vfs;
    verify->extent = extent;
    return verify;
}

void verify_free(struct verify *verify)
{
    if (verify == NULL)
        return;
    vfs_close(verify->file);
    scan_done(&verify->scan);
    packing_free(verify->packing);
    free(verify->segments);
    free(verify->named);
    free(verify->findings);
    free(verify->changes);
    free(verify->losses);
    free(verify);
}

bool verify_is_done(const struct verify *verify)
{
    return verify->listed && verify->index == verify->segment_count;
}

struct verify_counts verify_counts(const struct verify *verify)
{
    return verify->counts;
}

const struct verify_finding *verify_findings(const struct verify *verify, size_t *out_count)
{
    *out_count = verify->finding_count;
    return verify->findings;
}

bool verify_find(struct verify *verify, const struct verify_finding *finding)
{
    verify->counts.findings++;
    if (verify->finding_count == VERIFY_FINDINGS_MAX)
        return false;
    verify->findings = store_grow(verify->findings, verify->finding_count,
                                  &verify->finding_capacity, sizeof(*verify->findings));
    verify->findings[verify->finding_count++] = *finding;
    return true;
}

/* Which CHANGEs may have been in what was hit. */
static void guess_changes(const struct verify *verify, struct verify_finding *finding)
{
    if (finding->kind == VERIFY_BODY || finding->kind == VERIFY_COPY)
        return;
    finding->batch = verify->batch < finding->offset ? verify->batch : finding->offset;
    finding->change_first = verify->change + 1;
    finding->change_last = UINT64_MAX;
    if (finding->kind == VERIFY_CHANGE) {
        finding->change_first = finding->number;
        finding->change_last = finding->number;
    }
}

/* Has an opening set aside what is there (docs/format.md, "Recovery")? */
static bool is_aside(struct verify *verify, uint64_t segment, uint64_t offset)
{
    struct vfs_file *file;
    char path[64];

    (void)snprintf(path, sizeof(path), "log/aside-%016llx-%016llx", (unsigned long long)segment,
                   (unsigned long long)offset);
    if (verify->vfs->open(verify->vfs, path, VFS_OPEN_READ, &file) != ERR_OK)
        return false;
    vfs_close(file);
    return true;
}

void verify_find_here(struct verify *verify, enum verify_kind kind, uint64_t length)
{
    struct verify_finding finding = {
        .kind = kind,
        .segment = verify_present(verify)->number,
        .offset = verify->at.offset,
        .length = length,
        .batch = verify->at.offset,
    };

    finding.is_known = is_aside(verify, finding.segment, finding.offset);
    if (kind == VERIFY_BODY || kind == VERIFY_CHANGE || kind == VERIFY_BASE) {
        finding.number = verify->at.header.number;
        finding.when = verify->at.header.when;
    }
    if (segment_kind(finding.segment) == SEGMENT_LOG)
        guess_changes(verify, &finding);
    (void)verify_find(verify, &finding);
}

void verify_meet_change(struct verify *verify, uint64_t number)
{
    for (; verify->unbounded < verify->finding_count; verify->unbounded++) {
        struct verify_finding *finding = &verify->findings[verify->unbounded];

        if (finding->change_last != UINT64_MAX)
            continue;
        finding->change_last = number - 1;
        if (finding->change_last < finding->change_first)
            finding->change_first = 0;
    }
    verify->change = number;
}

static int by_place(const void *a, const void *b)
{
    const struct verify_finding *left = a;
    const struct verify_finding *right = b;

    if (left->segment != right->segment)
        return left->segment < right->segment ? -1 : 1;
    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static void next_segment(struct verify *verify)
{
    verify_judge_segment(verify);
    vfs_close(verify->file);
    verify->file = NULL;
    verify->counts.segments++;
    verify->index++;
    if (!verify_is_done(verify))
        return;
    if (verify->finding_count > 0)
        qsort(verify->findings, verify->finding_count, sizeof(*verify->findings), by_place);
    verify_settle(verify);
}

/* Reads on in the present segment; *left goes down by what was read. */
static enum err read_segment(struct verify *verify, uint64_t *left)
{
    enum err err = ERR_OK;

    if (verify->file == NULL) {
        err = verify_open(verify, verify_present(verify)->number, &verify->file);
        if (err == ERR_OK)
            err = verify_begin_segment(verify);
    }
    while (err == ERR_OK && *left > 0 && !verify_segment_is_done(verify)) {
        uint64_t before = verify->at.in_body ? verify->at.chunk : verify->at.offset;
        uint64_t after;

        before += verify->unpacked;
        err = verify_step(verify, *left);
        after = verify->at.in_body ? verify->at.chunk : verify->at.offset;
        after += verify->unpacked;
        *left -= after - before < *left ? after - before : *left;
    }
    return err;
}

/* What of the segments up to the present place is behind us. */
static void count_bytes(struct verify *verify)
{
    const struct verify_at *at = &verify->at;
    uint64_t bytes = 0;
    uint64_t total = 0;

    for (size_t i = 0; i < verify->segment_count; i++) {
        total += verify->segments[i].limit;
        bytes += i < verify->index ? verify->segments[i].limit : 0;
    }
    if (verify->file != NULL)
        bytes += at->in_body ? at->chunk : at->offset;
    verify->counts.bytes = bytes < total ? bytes : total;
    verify->counts.bytes_total = total;
}

enum err verify_read(struct verify *verify, uint64_t bytes_max, struct note *why)
{
    uint64_t left = bytes_max;
    enum err err = verify->listed ? ERR_OK : verify_list(verify, why);

    if (err != ERR_OK)
        return err;
    while (err == ERR_OK && left > 0 && !verify_is_done(verify)) {
        err = read_segment(verify, &left);
        if (err == ERR_NOT_FOUND) { /* a base took its place since the listing */
            verify_present(verify)->limit = 0;
            err = ERR_OK;
            verify->index++;
        } else if (err != ERR_OK) {
            return verify_fail(err, verify_present(verify)->number, why);
        } else if (verify_segment_is_done(verify)) {
            next_segment(verify);
        }
    }
    count_bytes(verify);
    return err;
}
