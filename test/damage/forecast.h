/* What "Recovery" in docs/format.md says of a disk that came to harm: which records count, which
 * stretches are set aside, where the log ends. Worked out from where the records stood before. */
#ifndef ROOST_TEST_DAMAGE_FORECAST_H
#define ROOST_TEST_DAMAGE_FORECAST_H

#include "damage/scene.h"

enum { FORECAST_ITEMS_MAX = SCENE_RECORDS_MAX };

struct forecast_item { /* damage, or the tail */
    uint64_t segment; /* its number */
    uint64_t offset;
    uint64_t len;
};

struct forecast {
    bool applied[SCENE_RECORDS_MAX]; /* the changes that count; those in the checkpoint too */
    struct forecast_item items[FORECAST_ITEMS_MAX];
    unsigned item_count;
    struct forecast_item tail; /* len 0: none */
    unsigned replayed;
    bool passes_clean_mark; /* the log, as it is taken to be, goes on behind it */
    bool dropped_last; /* a last segment that looks unfinished is gone */
};

/* Where a checkpoint that holds says that replay begins; position 0: there is none. */
struct forecast_start {
    uint64_t position;
    uint64_t segment;
    uint8_t id[16];
};

/* `disk`: a copy of the scene's whose log segments were harmed. */
void forecast_make(const struct scene *scene, struct vfs *disk, struct forecast_start start,
                   struct forecast *out);

/* The same for a scene whose newest base was harmed, and nothing else; without a checkpoint. False:
 * the base does not count, the log is replayed from its first segment that is there. */
bool forecast_base(const struct scene *scene, struct vfs *disk, struct forecast *out);

/* That of the checkpoint on `disk`, which is whole. */
struct forecast_start forecast_checkpoint(struct vfs *disk);

/* Is any copy of the header of that segment whole? */
bool forecast_has_header(const struct scene *scene, struct vfs *disk, unsigned segment);

#endif
