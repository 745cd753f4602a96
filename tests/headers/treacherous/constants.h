/* Constants: each has the value and the type that gcc gives it. */
#define C1 '\u00e9'
#define C2 'ab'
#define C3 u8'a'
#define C4 L'\xff'
#define C5 u'\u20ac'
#define C6 U'\U0001F600'
#define C7 '\377'
#define C8 '\x80'
#define C9 'abcd'
#define C10 '\''
#define C11 '"'
#define C12 '\0'
#define C13 '\?'
#define C14 '\e'
#define F1 (float)0.1
#define F2 0.1f
#define F3 1e3f
#define F4 0x1.8p3
#define F5 (double)1/3
#define F6 1.0f/3
#define F7 (int)3.99
#define F8 (unsigned char)300
#define F9 1.5L
#define F10 (float)16777217
#define F11 1e39f
#define F12 .5
#define F13 5.
#define F14 (0.1f + 0.2f)
#define F15 (0.1f == 0.1)
#define F16 16777217 * 1.0f
#define S1 sizeof L"x"
#define S2 sizeof(L"xyz")
#define S3 sizeof "abc" "d"
#define S4 sizeof u8"\u00e9"
#define S5 sizeof u"ab"
#define S6 sizeof U"ab"
#define S7 sizeof('a')
#define S8 sizeof(1L)
#define S9 sizeof 1.0f
#define S10 sizeof(char[3][4])
#define S11 sizeof(int (*)(void))
#define S12 sizeof(1 ? 1 : 2L)
#define S13 sizeof((char)1)
#define S14 sizeof((char)1 + (char)1)
#define S15 sizeof(long double)
#define S16 _Alignof(double)
#define S17 sizeof(short)*2
#define I1 0b1010
#define I2 0x1'000
#define I3 0777
#define I4 10u
#define I5 0xFFFFFFFF
#define I6 -1 < 0u
#define I7 ~0u
#define I8 ~0
#define I9 1ull << 63
#define I10 4294967295
#define I11 0x8000000000000000
#define I12 -0x80000000
#define I13 -2147483648
#define I14 (-2147483647-1)
#define I15 1 << 31
#define I17 5 % -3
#define I18 -5 / 2
#define I19 -5 >> 1
#define I20 !5
#define I21 (short)0x8000
#define I22 (_Bool)0.5
#define I23 (unsigned)-1
#define I24 (char)200
#define I25 3 ?: 4
#define I26 sizeof(struct s1)
#define I27 __builtin_offsetof(struct s1, b)
#define I29 __builtin_offsetof(struct s1, c.y)
#define I30 __builtin_offsetof(struct s1, d[2])
#define I31 1 == 1 ? -1 : 0u
#define I32 (int)(1.0 * 3)
#define I33 10LLU
#define I34 (enum e)2
#define I35 __INT_MAX__
#define I37 'a' + 1
#define I38 (unsigned char)'\377'
#define I39 (signed char)-1 == 255
#define I40 (unsigned)1.5e9
#define I41 sizeof(void*)
#define T1 "a" "b"
#define T2 "\x41" "B"
#define T3 "\1012"
#define T4 u8"\u00e9"
#define T5 L"wide"
#define T6 "tab\t" "\"q\""
#define T7 ("paren")
#define T8 "a\
b"
#define T9 "\u00e9"
enum e { EA, EB = 'b', EC = sizeof(int), ED = (char)200, EE = 1 ? 5 : 6 };
struct s1 { char a; long b; struct { int x, y; } c; short d[5]; };
extern int table[3 * sizeof(long)];
typedef struct s1 s1_t;
#define O2 sizeof(((struct s1 *)0)->d)
#define O3 sizeof(((struct s1 *)0)->d[0])
#define O4 (sizeof(table) / sizeof(table[0]))
#define O5 sizeof(struct s1 *)
#define O6 (sizeof "abc" - 1)
#define R2 __builtin_huge_valf()
#define R3 __builtin_nan("")
#define R5 ((float)1e10 == 1e10f)
#define R6 (2.5L / 2)
#define R7 ((long)-1.9f)
