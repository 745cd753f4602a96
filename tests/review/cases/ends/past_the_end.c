#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
void *library;
void open_it(void) { library = dlopen("/usr/lib/libx.so.1", RTLD_NOW); if (!library) exit(1); }
int a(int sock) { char t[256]; ssize_t n = recv(sock, t, sizeof t - 1, 0); if (n <= 0) return -1; t[n] = 0;
    char b[10];
    strcpy(b, t); //! CWE-120
    puts(b);
    return 0; }
int b(int sock) { char t[256]; ssize_t n = recv(sock, t, sizeof t - 1, 0); if (n <= 0) return -1; t[n] = 0;
    char b[10];
    sprintf(b, "%s.so", t); //! CWE-120
    puts(b);
    return 0; }
typedef const char *(*name_fn)(void);
int h(void) { char out[16]; name_fn fn = (name_fn)dlsym(library, "name"); if (!fn) return -1;
    strcpy(out, fn()); //! CWE-120
    puts(out);
    return 0; }
int l(int sock) { char t[64]; int n = 0; char c;
    while (read(sock, &c, 1) == 1 && c != '\n')
        t[n++] = c; //! CWE-787
    t[n] = 0; puts(t); return 0; }
int m(const char *in) { char out[32]; int n = 0;
    for (const char *p = in; *p; p++) out[n++] = *p; //! CWE-787
    out[n] = 0; puts(out); return 0; }
int n_(const char *name) { char lib[32];
    snprintf(lib, 64, "lib%s.so", name); //! CWE-787
    library = dlopen(lib, RTLD_NOW); return library ? 0 : -1; }
int q(const char *name) { char lib[64] = "/usr/lib/";
    strncat(lib, name, sizeof lib); //! CWE-787
    library = dlopen(lib, RTLD_NOW); return library ? 0 : -1; }
int r(const char *name) { char lib[64]; int len = snprintf(lib, sizeof lib, "/usr/lib/%s", name);
    lib[len++] = '.'; lib[len] = 0; //! CWE-787
    library = dlopen(lib, RTLD_NOW); return library ? 0 : -1; }
