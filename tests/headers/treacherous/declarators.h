/* Declarators, attributes and records in every place where C has them. */
#include <stddef.h>
#include <stdint.h>
#include <stdarg.h>
#include <wchar.h>
#include <stdbool.h>
/* declarators */
int (*fpfp(int))(double);
int (*(*fpfp2(int a))(void))(char);
void (*signal_like(int sig, void (*func)(int)))(int);
extern int (*table[4])(int, char *);
extern int (*(*table2)[4])(void);
extern const char *const names[];
extern const char *volatile vname;
extern char const * const * cc;
const volatile int *cv(volatile const int *const p, int const volatile v);
int (paren)(int);
int ((paren2))(int), *(*paren3)(void), arr3[2][3][4];
int *(*(*deep)(int (*)[3], char *(*)(void)))[5];
unsigned long int long ull_odd(long unsigned int long);
long const unsigned odd1(void);
int typedef int_td; int_td use_td(int_td);
signed sgn(signed char, unsigned char, char);
short signed int ssi(unsigned short int);
int array_params(int a[3], int b[static 4], int c[const], int d[restrict static 2], int e[][5], int f[volatile *]);
int func_param(int f(int), void g(void));
int (*array_of_fp_param(int (*fps[])(int)))[2];
void register_param(register int a);
int no_params();
int void_params(void);
int variadic(const char *fmt, ...);
_Bool b_(bool x);
_Complex double cd(float _Complex, long double _Complex);
__int128 i128(unsigned __int128);
long double ld(long double);
wchar_t wc(wchar_t, const wchar_t *);
/* attributes everywhere */
__attribute__((noreturn)) void at1(void);
void __attribute__((noreturn)) at2(void);
void at3(void) __attribute__((noreturn));
void *at4(size_t) __attribute__((malloc, alloc_size(1))) __attribute__((__nonnull__(1)));
int at5(int a __attribute__((unused)), __attribute__((unused)) int b);
int at6(int __attribute__((unused)) a, int * __attribute__((aligned(8))) b);
extern int at7 __attribute__((visibility("default"))), at8 __attribute__((weak));
int (__attribute__((noinline)) at9)(int);
int (* __attribute__((unused)) at10)(int);
[[nodiscard]] int at11(void);
[[gnu::const, gnu::pure]] int at12 [[deprecated("x")]] (int a [[maybe_unused]]);
int at13 [[gnu::unused]];
__extension__ int ext1(void);
__extension__ typedef struct { int a; __extension__ union { int b; float c; }; } ext2;
int at14(ext2 *) __asm__("real_name") __attribute__((pure));
int at15(void) __asm__ ("_" "joined");
extern __inline __attribute__((__always_inline__, __gnu_inline__)) int at16(void) { return 1; }
static __inline__ int at17(void) { return 2; }
inline int at18(void) { return 3; }
static inline __attribute__((always_inline)) void *at19(void *p) { return (void *)((char *)p + 1); }
_Noreturn void at20(int);
__attribute__((format(printf, 1, 2))) int at21(const char *, ...);
enum __attribute__((packed)) pe { PA, PB = 200 }; enum pe pe_f(enum pe);
enum neg { N1 = -1, N2 = 0x7fffffff }; enum big { B1 = 0xFFFFFFFFu }; enum negbig { NB1 = -1, NB2 = 0x80000000 };
enum trailing { TR1, TR2, }; enum attr_en { AE1 __attribute__((deprecated)), AE2 [[deprecated]] = 7, AE3 };
enum fwd; 
typedef enum { ANON1, ANON2 = ANON1 + 5, ANON3 } anon_e; anon_e anon_f(anon_e *);
/* records */
struct nested { int a; union { struct { short b, c; }; long d; }; struct { int e; } f; union { int g; } ; int h[]; };
struct bits { unsigned a : 3, : 5, b : 8; int : 0; unsigned long long c : 40; signed char d : 4; _Bool e : 1; enum pe f : 4; };
struct __attribute__((packed, aligned(4))) pa { char a; long b; short c __attribute__((aligned(2))); };
struct al { _Alignas(32) char a; _Alignas(double) char b; int c; } __attribute__((aligned(64)));
#pragma pack(push, mine, 2)
struct pk { char a; long b; };
#pragma pack(push)
#pragma pack(1)
struct pk1 { char a; long b; };
#pragma pack(pop)
struct pk2 { char a; int b; };
#pragma pack(pop, mine)
struct pk3 { char a; long b; };
_Pragma("pack(push, 4)") struct pk4 { char a; long b; }; _Pragma("pack(pop)")
struct self { struct self *next; struct other *o; int (*fn)(struct self *, ...); const struct self *const *pp; };
struct fam { int n; struct { char c; short s; } items[]; };
struct empty { }; struct zero { int z[0]; }; 
union u { char c[5]; short s; double d; } ;
struct fp { void (*a)(int), (*b[3])(void); int *(*(*c)(void))(int); };
struct multi { int a, *b, c[2], (*d)(void), **e; };
struct tdef; typedef struct tdef tdef_t, *tdef_p; struct tdef { tdef_p x; tdef_t *y; };
typedef struct selfname selfname; struct selfname { int selfname; };
typedef int fn_t(int, char); fn_t by_fn_type; fn_t *fnp(fn_t *); extern fn_t *fn_arr[2];
typedef int arr_t[3]; int arr_f(arr_t); extern arr_t arr_v; arr_t *arr_p(void); typedef const arr_t carr; extern carr carr_v;
typedef __typeof__(int *) tof; tof tof_f(tof); typeof(long[2]) tof_v; __typeof__(struct pk *) tof_s(void);
/* digraphs, trigraph-free, continuation */
struct dg <% int a<:3:>; %>;
%:define DIG 4
int cont\
inued(in\
t a);
#define LONG_MACRO(a, b) \
   int a(int); \
   int b(int);
LONG_MACRO(lm1, lm2)
// comment with continuation \
int not_there(int);
/* a */ int /* b */ cm /* c */ ( /* d */ int /* e */ ) /* f */ ; // end
#define STR(x) #x
#define CAT(a, b) a##b
#define XCAT(a,b) CAT(a,b)
int XCAT(cat_, __LINE__)(void);
#define EMPTY
#define DECL(ret, name, ...) ret EMPTY name (__VA_ARGS__)
DECL(int, decl1, int, char *); DECL(void, decl2, void);
#define OPT(x, ...) int x(int a __VA_OPT__(,) __VA_ARGS__);
OPT(opt1) OPT(opt2, char b)
/* K&R and bodies */
int knr(a, b) int a; char *b; { return a + *b; }
int body(int x) { switch (x) { case 1 ... 5: return 1; default: ; } return ({ int y = x; y; }); }
typeof(1 + 1) typeof_expr(void);
const int ext_const;
_Static_assert(sizeof(int) == 4, "x");
int restrict_f(char *restrict a, const char *__restrict b, char *__restrict__ const c);
struct outer { struct inner { int x; } in; enum in_en { IE1 = 3 } e; } outer_f(struct inner);
typedef struct { struct { int deep; } a; } anon_deep; int ad(anon_deep, anon_deep *);
int (*get_op(void))(int, int);
extern int arr_unk[]; extern int arr_exp[3 * sizeof(int) + (2 << 1)];
int a_before, b_before; int *pa_before, c_before(int), (*d_before)(void);
struct [[gnu::packed]] c23_packed { char a; long b; };
struct c23_member { char a; int b [[gnu::aligned(16)]]; };
int first_of(struct c23_packed *, int n);
extern typeof(first_of) second_of;
extern typeof(first_of(0, 1)) result_of;
extern typeof(((struct c23_member *)0)->b) member_of;
int knr_narrow(c, s, f, p) char c; short s; float f; char *p; { return c + s + (int)f + *p; }
int knr_whole(a, b) { return a + b; }
