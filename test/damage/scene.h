/* An account at rest, and all that is known of it before it comes to harm: what sessions see, where
 * each record stands, and the bytes of every body. */
#ifndef ROOST_TEST_DAMAGE_SCENE_H
#define ROOST_TEST_DAMAGE_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "kit/desk.h"
#include "store/record.h"
#include "store/segment.h"

enum {
    SCENE_SEGMENTS_MAX = 64,
    SCENE_RECORDS_MAX = 2000,
    SCENE_BODIES_MAX = 600,
    SCENE_TEXT_MAX = 1 << 24,
};

struct scene_segment {
    char path[SEGMENT_PATH_BYTES];
    struct segment header;
    struct bytes bytes; /* borrowed from the disk */
};

struct scene_record { /* of log and base segments, in the order of the log */
    unsigned segment; /* index */
    uint64_t offset;
    struct record_header header;
    struct bytes payload; /* of a CHANGE or BASE, without checksums; owned */
};

struct scene_body {
    uint64_t id;
    unsigned segment;
    uint64_t header_at;
    uint64_t frames_at;
    uint64_t stored; /* bytes in the frames */
    bool packed;
    struct bytes text; /* owned; at NULL: packed, and in no mailbox */
    uint32_t envelope; /* checksums of what its summary says */
    uint32_t structure;
};

struct scene {
    struct vfs *disk; /* never opened: copies are */
    struct vfs *older; /* the same account, some changes before */
    struct account_id id;
    struct wall now; /* of the last change */
    bool packed; /* its bodies are compressed, where that pays */
    bool clean; /* it was closed; else its owner was killed */
    struct buf described; /* shadow_describe with MODSEQs */
    struct scene_segment segments[SCENE_SEGMENTS_MAX]; /* log segments first, by number */
    unsigned segment_count;
    unsigned log_count; /* how many of them are log segments */
    unsigned base; /* index of the newest base; 0: none, it is never the first */
    bool past; /* what the base supersedes is there still */
    struct scene_record records[SCENE_RECORDS_MAX];
    unsigned record_count;
    struct scene_body bodies[SCENE_BODIES_MAX]; /* by id */
    unsigned body_count;
};

enum scene_kind {
    SCENE_CLEAN, /* closed */
    SCENE_KILLED,
    SCENE_LINGERS, /* closed, compacted; what the base supersedes is there still */
    SCENE_COMPACTED, /* and it is gone */
};

/* Makes one by random acts. Freed by scene_free. */
struct scene *scene_new(uint64_t seed, enum scene_kind kind);
void scene_free(struct scene *scene);

/* A desk before a copy of that disk; `disk` is taken by scene_leave. */
void scene_sit_down(const struct scene *scene, struct vfs *disk, struct desk *desk);
/* Closes what is open, frees the disk; nothing was forgotten. */
void scene_leave(struct desk *desk);

/* Is that stretch of a segment on `disk` as it was? */
bool scene_is_whole(const struct scene *scene, struct vfs *disk, unsigned segment,
                    struct bytes stretch);
struct bytes scene_stretch(const struct scene *scene, unsigned segment, uint64_t offset,
                           uint64_t len);

/* The one in that segment: compaction has copied some. */
const struct scene_body *scene_body_find(const struct scene *scene, uint64_t id, uint64_t segment);

/* Removes all derived files. */
void scene_remove_derived(struct vfs *disk);

#endif
