/* The fixed list of charsets, with the names mail calls them by.
 *
 * East Asian rows name the superset that senders really use: GB18030 for GB2312 and GBK, UHC for
 * KS C 5601, CP932 for Shift_JIS, Big5-HKSCS for Big5. */
#include "message/charset_table.h"

#include <assert.h>

#include "base/attributes.h"

const struct charset charset_rows[] = {
    { CHARSET_UTF8, NULL, "utf-8 utf8 unicode-1-1-utf-8 unicode-2-0-utf-8 x-utf-8 utf_8 cp65001" },
    { CHARSET_ASCII, NULL,
      "us-ascii ascii ansi_x3.4-1968 ansi_x3.4-1986 iso646-us iso_646.irv:1991 iso-ir-6 cp367 us "
      "csascii 646 iso-8859-8859-1 7bit" },
    { CHARSET_WINDOWS_1252, NULL,
      "iso-8859-1 iso_8859-1 iso8859-1 iso88591 iso_8859-1:1987 iso-ir-100 latin1 l1 cp819 ibm819 "
      "csisolatin1 iso-8859-1-windows-3.1-latin-1 latin-1" },
    { CHARSET_WINDOWS_1252, NULL, "windows-1252 cp1252 x-cp1252 cp-1252 ansi x-ansi win-1252" },
    { CHARSET_ICONV, "ISO-8859-2",
      "iso-8859-2 iso_8859-2 iso8859-2 iso88592 iso-ir-101 latin2 l2" },
    { CHARSET_ICONV, "ISO-8859-3", "iso-8859-3 iso_8859-3 iso8859-3 latin3 l3" },
    { CHARSET_ICONV, "ISO-8859-4", "iso-8859-4 iso_8859-4 iso8859-4 latin4 l4" },
    { CHARSET_ICONV, "ISO-8859-5", "iso-8859-5 iso_8859-5 iso8859-5 cyrillic" },
    { CHARSET_ICONV, "ISO-8859-6",
      "iso-8859-6 iso_8859-6 iso8859-6 iso-8859-6-i iso-8859-6-e arabic" },
    { CHARSET_ICONV, "ISO-8859-7", "iso-8859-7 iso_8859-7 iso8859-7 greek elot_928 ecma-118" },
    { CHARSET_ICONV, "ISO-8859-8",
      "iso-8859-8 iso_8859-8 iso8859-8 iso-8859-8-i iso-8859-8-e hebrew visual logical" },
    { CHARSET_ICONV, "ISO-8859-9", "iso-8859-9 iso_8859-9 iso8859-9 latin5 l5" },
    { CHARSET_ICONV, "ISO-8859-10", "iso-8859-10 iso_8859-10 iso8859-10 latin6 l6" },
    { CHARSET_ICONV, "TIS-620", "tis-620 tis620 iso-8859-11 iso8859-11" },
    { CHARSET_ICONV, "ISO-8859-13", "iso-8859-13 iso_8859-13 iso8859-13 latin7 l7" },
    { CHARSET_ICONV, "ISO-8859-14", "iso-8859-14 iso_8859-14 iso8859-14 latin8 l8" },
    { CHARSET_ICONV, "ISO-8859-15",
      "iso-8859-15 iso_8859-15 iso8859-15 iso885915 latin-9 latin9 l9 csisolatin9" },
    { CHARSET_ICONV, "ISO-8859-16", "iso-8859-16 iso_8859-16 iso8859-16 latin10 l10" },
    { CHARSET_ICONV, "CP874", "windows-874 cp874 dos-874 x-windows-874" },
    { CHARSET_ICONV, "CP1250", "windows-1250 cp1250 x-cp1250 cp-1250 win-1250" },
    { CHARSET_ICONV, "CP1251", "windows-1251 cp1251 x-cp1251 cp-1251 win-1251 win1251" },
    { CHARSET_ICONV, "CP1253", "windows-1253 cp1253 x-cp1253 cp-1253" },
    { CHARSET_ICONV, "CP1254", "windows-1254 cp1254 x-cp1254 cp-1254" },
    { CHARSET_ICONV, "CP1255", "windows-1255 cp1255 x-cp1255 cp-1255" },
    { CHARSET_ICONV, "CP1256", "windows-1256 cp1256 x-cp1256 cp-1256" },
    { CHARSET_ICONV, "CP1257", "windows-1257 cp1257 x-cp1257 cp-1257" },
    { CHARSET_ICONV, "CP1258", "windows-1258 cp1258 x-cp1258 cp-1258" },
    { CHARSET_ICONV, "CP437", "ibm437 cp437 437" },
    { CHARSET_ICONV, "CP850", "ibm850 cp850 850" },
    { CHARSET_ICONV, "CP852", "ibm852 cp852 852" },
    { CHARSET_ICONV, "CP866", "ibm866 cp866 866 csibm866" },
    { CHARSET_ICONV, "KOI8-R", "koi8-r koi8r koi8 koi cskoi8r" },
    { CHARSET_ICONV, "KOI8-U", "koi8-u koi8u koi8-ru" },
    { CHARSET_ICONV, "MACINTOSH", "macintosh mac x-mac-roman csmacintosh macroman" },
    { CHARSET_ICONV, "MAC-CYRILLIC", "x-mac-cyrillic mac-cyrillic x-mac-ukrainian" },
    { CHARSET_ICONV, "ISO-2022-JP-3", "iso-2022-jp csiso2022jp iso2022jp jis" },
    { CHARSET_ICONV, "ISO-2022-JP-2", "iso-2022-jp-2 csiso2022jp2 iso-2022-jp-1" },
    { CHARSET_ICONV, "EUC-JP-MS", "euc-jp eucjp x-euc-jp x-euc ujis cseucpkdfmtjapanese" },
    { CHARSET_ICONV, "CP932",
      "shift_jis shift-jis sjis x-sjis ms_kanji csshiftjis windows-31j cswindows31j cp932 ms932" },
    { CHARSET_ICONV, "UHC",
      "euc-kr euckr ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 ks_c_5601 cseuckr korean "
      "cp949 uhc windows-949 x-windows-949 iso-ir-149" },
    { CHARSET_ICONV, "ISO-2022-KR", "iso-2022-kr csiso2022kr" },
    { CHARSET_ICONV, "JOHAB", "johab cp1361" },
    { CHARSET_ICONV, "GB18030",
      "gb18030 gb2312 gb_2312-80 gb_2312 csgb2312 gbk x-gbk cp936 ms936 windows-936 euc-cn euccn "
      "chinese iso-ir-58 gb-2312 gb2312_charset cn-gb" },
    { CHARSET_ICONV, "ISO-2022-CN", "iso-2022-cn csiso2022cn" },
    { CHARSET_ICONV, "BIG5-HKSCS",
      "big5 big5-hkscs big-5 csbig5 cn-big5 x-x-big5 cp950 windows-950 big5-eten" },
    { CHARSET_ICONV, "EUC-TW", "euc-tw euctw x-euc-tw" },
    { CHARSET_ICONV_BYTES, "UTF-7",
      "utf-7 utf7 unicode-1-1-utf-7 csunicode11utf7 x-unicode-2-0-utf-7" },
    { CHARSET_ICONV, "UTF-16", "utf-16 utf16 unicode ucs-2 iso-10646-ucs-2" },
    { CHARSET_ICONV, "UTF-16BE", "utf-16be utf16be ucs-2be" },
    { CHARSET_ICONV, "UTF-16LE", "utf-16le utf16le ucs-2le" },
    { CHARSET_ICONV, "UTF-32", "utf-32 utf32 ucs-4 iso-10646-ucs-4" },
    { CHARSET_ICONV, "UTF-32BE", "utf-32be" },
    { CHARSET_ICONV, "UTF-32LE", "utf-32le" },
    { CHARSET_ICONV, "VISCII", "viscii csviscii" },
    { CHARSET_ICONV, "TCVN5712-1", "tcvn tcvn-5712 x-viet-tcvn5712" },
    { CHARSET_ICONV, "ARMSCII-8", "armscii-8" },
    { CHARSET_ICONV, "GEORGIAN-PS", "georgian-ps" },
    { CHARSET_ICONV, "PT154", "pt154 ptcp154 cp154" },
    { CHARSET_ICONV, "HP-ROMAN8", "hp-roman8 roman8 r8" },
};
const size_t charset_row_count = ARRAY_COUNT(charset_rows);
static_assert(ARRAY_COUNT(charset_rows) <= CHARSET_ROWS_MAX, "charset_open_all pins every row");

const struct charset charset_unlabelled_row = { CHARSET_UNLABELLED, NULL, "unknown-8bit" };

/* The five bytes that windows-1252 leaves undefined stay what they are in ISO-8859-1. */
const uint16_t charset_windows_1252[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
};
