/* The same where braces put the symbol into a struct or an array. */
#include <dlfcn.h>
typedef int (*entry_t)(int);
struct ops { entry_t init, stop; void *handle; };
int p1(void *h) { struct ops o = { (entry_t)dlsym(h, "init"), 0, h };
    return o.init(1); } //! CWE-690
int p1g(void *h) { struct ops o = { (entry_t)dlsym(h, "init"), 0, h }; //! none CWE-252
    if (!o.init) return -1;
    return o.init(1); } //! none CWE-690
int p2(void *h, struct ops *o) { *o = (struct ops){ .init = (entry_t)dlsym(h, "init") };
    return o->init(1); } //! CWE-690
int p2g(void *h, struct ops *o) { *o = (struct ops){ .init = (entry_t)dlsym(h, "init") }; //! none CWE-252
    if (!o->init) return -1;
    return o->init(1); } //! none CWE-690
int p3(void *h) { entry_t t[2] = { (entry_t)dlsym(h, "a"), (entry_t)dlsym(h, "b") };
    return t[0](1); } //! CWE-690
int p3g(void *h) { entry_t t[2] = { (entry_t)dlsym(h, "a"), (entry_t)dlsym(h, "b") }; //! none CWE-252
    if (!t[0] || !t[1]) return -1;
    return t[0](1); } //! none CWE-690
int p4(const char *p) { struct ops o = { .handle = dlopen(p, RTLD_NOW) };
    o.init = (entry_t)dlsym(o.handle, "x");
    return 0; }
int p4g(const char *p) { struct ops o = { .handle = dlopen(p, RTLD_NOW) }; //! none CWE-252
    if (!o.handle) return -1;
    o.init = (entry_t)dlsym(o.handle, "x");
    dlclose(o.handle);
    return o.init ? 0 : -1; }
