/* One weakness, a symbol that is called without a test, and its repair (g), in the forms that C gives it. */
#include <assert.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
typedef int (*entry_t)(int);
struct ops { entry_t init, stop; void *handle; };
struct row { const char *name; void **slot; };

int f1(void *h) { entry_t fp; *(void **)(&fp) = dlsym(h, "x");
    return fp(1); } //! CWE-690
int f1g(void *h) { entry_t fp; *(void **)(&fp) = dlsym(h, "x"); //! none CWE-252
    if (fp == NULL) return -1;
    return fp(1); } //! none CWE-690
int f2(void *h) { union { void *p; entry_t f; } u; u.p = dlsym(h, "x");
    return u.f(1); }
int f2g(void *h) { union { void *p; entry_t f; } u; u.p = dlsym(h, "x"); //! none CWE-252
    if (!u.p) return -1;
    return u.f(1); } //! none CWE-690
int f3(void *h) { entry_t fp; void *s = dlsym(h, "x"); memcpy(&fp, &s, sizeof fp);
    return fp(1); } //! CWE-690
int f3g(void *h) { entry_t fp; void *s = dlsym(h, "x"); if (!s) return -1; memcpy(&fp, &s, sizeof fp); //! none CWE-252
    return fp(1); } //! none CWE-690
int f4(void *h) {
    return ((entry_t)dlsym(h, "x"))(1); } //! CWE-690
int f4b(void *h) {
    return ((int (*)(int))dlsym(h, "x"))(1); } //! CWE-690
int f5(void *h) { entry_t fp; if ((fp = (entry_t)dlsym(h, "x")) == NULL) return -1; //! none CWE-252
    return fp(1); } //! none CWE-690
int f6(void *h) { entry_t fp; if (!(fp = (entry_t)dlsym(h, "x"))) return -1; //! none CWE-252
    return fp(1); } //! none CWE-690
int f7(void *h, struct ops *o) { *(void **)&o->init = dlsym(h, "x");
    return o->init(1); } //! CWE-690
int f7g(void *h, struct ops *o) { *(void **)&o->init = dlsym(h, "x"); //! none CWE-252
    if (!o->init) return -1;
    return o->init(1); } //! none CWE-690
int f8(void *h) { struct ops o = { .init = (entry_t)dlsym(h, "init") };
    return o.init(1); } //! CWE-690
int f8g(void *h) { struct ops o = { .init = (entry_t)dlsym(h, "init") }; //! none CWE-252
    if (!o.init) return -1;
    return o.init(1); } //! none CWE-690
int f9(void *h) { entry_t fp = h ? (entry_t)dlsym(h, "x") : NULL;
    return fp(1); } //! CWE-690
int f9g(void *h) { entry_t fp = h ? (entry_t)dlsym(h, "x") : NULL; //! none CWE-252
    return fp ? fp(1) : -1; } //! none CWE-690
int f10(void *h) { entry_t fp = (entry_t)dlsym(h, "x"); //! none CWE-252
    assert(fp);
    return fp(1); }
int f11(void *h) { entry_t fp; dlerror(); fp = (entry_t)dlsym(h, "x"); //! none CWE-252
    if (dlerror() != NULL) return -1;
    return fp(1); } //! none CWE-690
int f12(void *h) { entry_t fp; const char *err; dlerror(); fp = (entry_t)dlsym(h, "x"); //! none CWE-252
    if ((err = dlerror())) return -1;
    return fp(1); } //! none CWE-690
int f13(void *h) { entry_t fp = (entry_t)dlsym(h, "x"); //! none CWE-252
    return fp && fp(1); } //! none CWE-690
int f14(void *h) { entry_t a = (entry_t)dlsym(h, "a"), b = (entry_t)dlsym(h, "b"); //! none CWE-252
    if (!a || !b) return -1;
    return a(1) + b(2); } //! none CWE-690
int f15(void *h) { entry_t a = (entry_t)dlsym(h, "a"), b = (entry_t)dlsym(h, "b");
    if (!a) return -1;
    return a(1) + b(2); } //! CWE-690
int f16(void *h) { entry_t fp; int rc = -1;
    do { fp = (entry_t)dlsym(h, "x"); if (!fp) break; //! none CWE-252
    rc = fp(1); } while (0); //! none CWE-690
    return rc; }
int f17(void *h) { entry_t fp; int rc = -1;
    fp = (entry_t)dlsym(h, "x"); if (!fp) goto out; //! none CWE-252
    rc = fp(1); //! none CWE-690
out: return rc; }
int f18(void *h) { static entry_t real; if (!real) real = (entry_t)dlsym(RTLD_NEXT, "open");
    return real(1); } //! CWE-690
int f18g(void *h) { static entry_t real; if (!real) { real = (entry_t)dlsym(RTLD_NEXT, "open"); if (!real) abort(); } //! none CWE-252
    return real(1); } //! none CWE-690
#define BIND(o, n) ((o)->n = (entry_t)dlsym((o)->handle, #n))
int f19(struct ops *o) { BIND(o, init);
    return o->init(2); } //! CWE-690
int f19g(struct ops *o) { if (!BIND(o, init) || !BIND(o, stop)) return -1; //! none CWE-252
    return o->init(2); } //! none CWE-690
#define REQUIRE_SYM(v, h, n) do { v = (entry_t)dlsym(h, n); if (!v) return -1; } while (0)
int f20(void *h) { entry_t fp; REQUIRE_SYM(fp, h, "x"); //! none CWE-252
    return fp(1); } //! none CWE-690
int f21(void *h) { entry_t a, b; struct row t[] = { {"a", (void **)&a}, {"b", (void **)&b} };
    for (unsigned i = 0; i < 2; i++) *t[i].slot = dlsym(h, t[i].name);
    return a(1) + b(2); }
int f21g(void *h) { entry_t a, b; struct row t[] = { {"a", (void **)&a}, {"b", (void **)&b} };
    for (unsigned i = 0; i < 2; i++) { *t[i].slot = dlsym(h, t[i].name); if (!*t[i].slot) return -1; } //! none CWE-252
    return a(1) + b(2); } //! none CWE-690
int f22(void *h) { entry_t fp = NULL; switch (getpid() & 1) { case 0: fp = (entry_t)dlsym(h, "x"); break; default: return -1; }
    return fp(1); } //! CWE-690
static entry_t need(void *h, const char *n) { entry_t fp = (entry_t)dlsym(h, n); if (!fp) exit(1); return fp; } //! none CWE-252
int f23(void *h) { entry_t fp = need(h, "x");
    return fp(1); } //! none CWE-690
static entry_t want(void *h, const char *n) { return (entry_t)dlsym(h, n); }
int f24(void *h) { entry_t fp = want(h, "x");
    return fp(1); } //! CWE-690
static int get(void *h, const char *n, void **out) { *out = dlsym(h, n); return *out ? 0 : -1; } //! none CWE-252
int f25(void *h) { void *p; if (get(h, "x", &p) < 0) return -1;
    return ((entry_t)p)(1); } //! none CWE-690
int f25b(void *h) { void *p; get(h, "x", &p);
    return ((entry_t)p)(1); } //! CWE-690/476
int f26(void *h) { entry_t fp = (entry_t)dlsym(h, "x"); if (fp == NULL) dlclose(h);
    return fp(1); } //! CWE-690/476
int f27(void *h) { entry_t fp = (entry_t)(uintptr_t)dlsym(h, "x");
    return (*fp)(1); } //! CWE-690
int f28(void *h) { entry_t *fp = (entry_t *)dlsym(h, "table");
    return (*fp)(1); } //! CWE-690
int f29(void *h) { int *v = dlsym(h, "abi_version");
    return *v; } //! CWE-690
int f29g(void *h) { int *v = dlsym(h, "abi_version"); //! none CWE-252
    return v != NULL ? *v : 0; } //! none CWE-690
int f30(void *h) { const struct ops *o = dlsym(h, "ops");
    return o->init(1); } //! CWE-690
int f30g(void *h) { const struct ops *o = dlsym(h, "ops"); //! none CWE-252
    if (!o || !o->init) return -1;
    return o->init(1); } //! none CWE-690
