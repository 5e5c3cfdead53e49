/* What writer and reader of summaries share; described in docs/summary.md. */
#ifndef ROOST_MESSAGE_SUMMARY_LAYOUT_H
#define ROOST_MESSAGE_SUMMARY_LAYOUT_H

enum summary_flag {
    SUMMARY_HAS_ALL_FIELDS = 1 << 0,
    SUMMARY_HAS_SENT = 1 << 1,
    SUMMARY_IS_REPLY = 1 << 2,
    SUMMARY_HAS_ATTACHMENT = 1 << 3,
    SUMMARY_FLAGS_KNOWN = (1 << 4) - 1,
};

/* The first byte of a part: kind, encoding and one flag. */
enum {
    SUMMARY_PART_KIND_MASK = 0x03,
    SUMMARY_PART_ENCODING_SHIFT = 2,
    SUMMARY_PART_ENCODING_MASK = 0x07,
    SUMMARY_PART_ATTACHMENT = 0x20,
    SUMMARY_PART_KNOWN = 0x3F,
};

#endif
