#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
void *library;
void open_it(void) { library = dlopen("/usr/lib/libx.so.1", RTLD_NOW); if (!library) exit(1); }
int a(int sock) { char t1[256]; ssize_t n = recv(sock, t1, sizeof t1 - 1, 0); if (n <= 0) return -1; t1[n] = 0;
    char b1[256];
    strcpy(b1, t1); //! none
    puts(b1);
    return 0; }
int a2(int sock) { char t2[256]; ssize_t n = recv(sock, t2, sizeof t2 - 1, 0); if (n <= 0) return -1; t2[n] = 0;
    char b2[10];
    if (strlen(t2) >= sizeof b2) return -1;
    strcpy(b2, t2); //! none
    puts(b2);
    return 0; }
int a3(int sock) { char t3[256]; ssize_t n = recv(sock, t3, 9, 0); if (n <= 0 || n > 9) return -1; t3[n] = 0;
    char b3[10];
    strcpy(b3, t3); //! none
    puts(b3);
    return 0; }
int l(int sock) { char t4[64]; int n = 0; char c;
    while (n < 63 && read(sock, &c, 1) == 1 && c != '\n')
        t4[n++] = c; //! none
    t4[n] = 0; puts(t4); return 0; }
int l2(int sock) { char t5[64]; int n = 0; char c;
    while (read(sock, &c, 1) == 1 && c != '\n') {
        if (n == sizeof t5 - 1) return -1;
        t5[n++] = c; //! none
    }
    t5[n] = 0; puts(t5); return 0; }
int l3(FILE *f) { char t6[64]; char *p = t6; int c;
    while ((c = getc(f)) != EOF && p < t6 + sizeof t6 - 1)
        *p++ = c; //! none
    *p = 0; puts(t6); return 0; }
int m(const char *in) { char o1[32]; size_t n = 0;
    if (strlen(in) >= sizeof o1) return -1;
    for (const char *p = in; *p; p++) o1[n++] = *p; //! none
    o1[n] = 0; puts(o1); return 0; }
int m2(const char *in) { char o2[32]; int i;
    for (i = 0; i < 31 && in[i]; i++) o2[i] = in[i]; //! none
    o2[i] = 0; puts(o2); return 0; }
int m3(const unsigned char *in) { char o3[65]; int i;
    for (i = 0; i < 32; i++) sprintf(o3 + 2 * i, "%02x", in[i]);
    puts(o3); return 0; }
int counts(const char *in) { static int seen[256]; int n = 0;
    for (const unsigned char *p = (const unsigned char *)in; *p; p++) seen[*p]++; //! none
    for (int i = 0; i < 256; i++) n += seen[i] != 0;
    return n; }
int n_(const char *name) { char li[32];
    snprintf(li, sizeof li, "lib%s.so", name); //! none
    puts(li); return 0; }
int q(const char *name) { char lj[64] = "/usr/lib/";
    strncat(lj, name, sizeof lj - strlen(lj) - 1); //! none
    puts(lj); return 0; }
int q2(const char *name) { char lk[64]; lk[0] = 0;
    strncat(lk, name, sizeof lk - 1); //! none
    puts(lk); return 0; }
int r(const char *name) { char ll[64]; int len = snprintf(ll, sizeof ll, "/usr/lib/%s", name);
    if (len < 0 || (size_t)len >= sizeof ll - 1) return -1;
    ll[len++] = '.'; ll[len] = 0; //! none
    puts(ll); return 0; }
int r2(unsigned v) { char lm[64]; int len = snprintf(lm, sizeof lm, "%u", v);
    lm[len] = 0; //! none
    puts(lm); return 0; }
struct flex { int n; char data[1]; };
int fx(struct flex *f, const char *s) { memcpy(f->data, s, 16); return 0; } //! none
struct two { char a[8]; char b[8]; };
void z(struct two *t) { memset(t, 0, 16); memset(t->a, 0, 8); } //! none
