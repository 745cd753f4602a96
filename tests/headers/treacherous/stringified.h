/* What # and ## make of arguments, white space and all. */
#define MAJ    1
#define MIN 5
#define REL   4
#define LIB MAJ.MIN.REL
#define Q(s) #s
#define XQ(s) Q(s)
#define V1 XQ(LIB)
#define V2 XQ(MAJ.MIN)
#define V3 XQ(a   +  b)
#define V4 Q("a\n" 'x' \n)
#define V5 XQ( MAJ )
#define V6 "v" XQ(MAJ) "." XQ(MIN)
#define ID(x) x
#define V8 XQ(ID(a)b)
#define V9 XQ(ID( a )+ID(b))
#define E
#define V10 XQ(a E b)
#define V11 XQ(aE E)
#define CATT(a,b) a##b
#define V12 XQ(CATT(x, 1) CATT(, y) CATT(z,))
#define V13 XQ(-ID(-1))
#define F(x, ...) #x #__VA_ARGS__
#define V15 F(a, b,  c)
#define V16 F(a)
#define G(x...) #x
#define V17 G(1, 2)
#define H(a, b...) XQ(f(a, ##b))
#define V18 H(1)
#define ONE() 1
#define V21 XQ(ONE ()+ONE)
#define REC REC2 x
#define REC2 REC y
#define V22 XQ(REC)
#define f(a) a*g
#define g(a) f(a)
#define V23 XQ(f(2)(9))
#define str(s) # s
#define xstr(s) str(s)
#define V24 str(strncmp("abc\0d", "abc", '\4') == 0) str(: @\n)
#define V25 xstr(xstr(1))
int d_end;
