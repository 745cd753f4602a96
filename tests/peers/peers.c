#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <complex.h>
#include <errno.h>
#include <uchar.h>
#include <stdbool.h>
typedef struct { double a, b; } D2; typedef struct { long a; double b; } LD; typedef struct { char c[3]; } C3; typedef struct { float x,y,z; } F3; typedef struct { long a,b,c; } L3; typedef union { int i; float f; } U; typedef struct { int a:5; unsigned b:11; long c; } Bits; typedef struct __attribute__((packed)) { char c; double d[4]; } Pk;
D2 d2(D2 v) { v.a*=2; return v; } LD ld(LD v) { v.a*=2; v.b*=2; return v; } C3 c3(C3 v) { v.c[0]++; return v; } F3 f3(F3 v) { v.z+=1; return v; } L3 l3(L3 v){ v.c+=1; return v;} U u(U v){ v.i++; return v;} Bits bits(Bits v){ v.a+=1; v.b+=1; v.c+=1; return v;} Pk pk(Pk v){ v.d[3]+=1; return v; }
D2 cb_d2(D2 (*f)(double)) { return f(1.5); } LD cb_ld(LD (*f)(long)) { return f(3); } L3 cb_l3(L3 (*f)(int)) { return f(5);} F3 cb_f3(F3 (*f)(int)) { return f(5);} C3 cb_c3(C3 (*f)(int)) { return f(5);} 
int cb_struct_arg(int (*f)(D2)) { D2 d={1,2}; return f(d); }
double _Complex conjz(double _Complex z) { return conj(z); } float _Complex conjf2(float _Complex z) { return conjf(z); }
__int128 add128(__int128 a, __int128 b) { return a+b; } unsigned __int128 neg(void) { return ~(unsigned __int128)0; }
char16_t c16(char16_t c){return c+1;} char32_t c32(char32_t c){return c+1;}
size_t wlen(const wchar_t *s){return wcslen(s);} const wchar_t *wtext(void){return L"gr\u00fcn";}
static const char ro[] = "readonly"; const char *const names[] = {"a","b",0}; const double pi_table[2] = {3.0, 4.0}; int grid[2][3] = {{1,2,3},{4,5,6}}; char buffer[8] = "abc"; struct point { int x; double y; } origin = {1,2}; const struct point corner = {5,6}; struct point *here=&origin; int *ip=&grid[0][0]; void *vp=0; bool flag=true; char letter='x'; wchar_t wide=L'w'; int (*handlers[2])(int); unsigned char bytes4[4]={1,2,3,4}; float ratio=0.5f; long long big=1; enum color {RED=1,GREEN} tint=GREEN; int *null_pointer=0; volatile int vol=3; struct point pts[2]={{1,1},{2,2}};
static int twice(int v){return 2*v;} int (*op)(int)=twice; int get_flag(void){return flag;} double get_y(void){return origin.y;} int get_grid(int i,int j){return grid[i][j];} const char*get_buffer(void){return buffer;} int get_vol(void){return vol;} int get_tint(void){return tint;}
typedef struct handle_a handle_a; typedef struct handle_b handle_b; handle_a *a_new(void){return (handle_a*)malloc(4);} void a_free(handle_a*a){free(a);} handle_b *b_new(void){return (handle_b*)malloc(4);} int a_use(const handle_a*a){return a!=0;} int out_handle(handle_a **out){*out=a_new(); return 0;}
void out_two(int *a,double *b){*a=7;*b=2.5;} void out_text(char **t){*t="text";} void out_point(struct point *p){p->x=9;p->y=8;} int sum_points(const struct point *p, size_t n){int s=0; while(n--) s+=p[n].x; return s;} struct point *mk(void){static struct point p={3,4}; return &p;} const struct point *cmk(void){static const struct point p={3,4}; return &p;}
int sumi(const int *a,size_t n){int s=0; while(n--) s+=a[n]; return s;} unsigned sumu(const unsigned *a,size_t n){unsigned s=0; while(n--) s+=a[n]; return s;} short sums(const short*a,size_t n){short s=0; while(n--) s+=a[n]; return s;} float sumf(const float*a,size_t n){float s=0; while(n--) s+=a[n]; return s;} long suml(const long*a,size_t n){long s=0; while(n--) s+=a[n]; return s;} double sump(double *const *a, size_t n){double s=0; while(n--) s+=*a[n]; return s;}
char *dup(const char*s){return strdup(s);} int fail(int e){errno=e;return -1;}
signed char cb_sc(signed char(*f)(void)){return f();} unsigned short cb_us(unsigned short(*f)(void)){return f();} long long cb_ll(long long(*f)(void)){return f();} unsigned long cb_ul(unsigned long(*f)(void)){return f();} float cb_f(float(*f)(void)){return f();} double cb_d(double(*f)(double)){return f(2.0);} bool cb_b(bool(*f)(void)){return f();} char cb_c(char(*f)(char)){return f('a');} void *cb_p(void*(*f)(void*),void*u){return f(u);} const char*cb_s(const char*(*f)(const char*)){return f("in");} void cb_v(void(*f)(int)){f(1);} wchar_t cb_w(wchar_t(*f)(wchar_t)){return f(L'a');} enum color cb_e(enum color(*f)(enum color)){return f(RED);} int cb_many(int(*f)(int,int,int,int,int,int,int,int,double,double,double,double,double,double,double,double,double)){return f(1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8,9);} struct point* cb_pp(struct point*(*f)(struct point*)){return f(&origin);}
