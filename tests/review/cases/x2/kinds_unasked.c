/* what a caller gives may be of several kinds: a value beside its tag, a handle that begins with one */
#include <dlfcn.h>
#include <stdio.h>
enum kind { INT, TEXT, OBJECT };
struct value {
    enum kind kind;
    union {
        long number;
        const char *text;
        void *object;
    } u;
};
void print(const struct value *v)
{
    if (v->kind == INT)
        printf("%ld\n", v->u.number);
    else
        printf("%s\n", v->u.text); //! CWE-843
}
void print_each(const struct value *v)
{
    switch (v->kind) {
    case INT:
        printf("%ld\n", v->u.number);
        break;
    case TEXT:
        printf("%s\n", v->u.text); //! none CWE-843
        break;
    default:
        puts("an object");
        break;
    }
}
int import(const struct value *args, int n)
{
    if (n != 1)
        return -1;
    return puts(args[0].u.text); //! CWE-843
}
int import_text(const struct value *args, int n)
{
    if (n != 1 || args[0].kind != TEXT)
        return -1;
    return puts(args[0].u.text); //! none CWE-843
}
static int all_texts(const struct value *args, int n)
{
    for (int i = 0; i < n; i++)
        if (args[i].kind != TEXT)
            return 0;
    return 1;
}
int import_asked_by_another(const struct value *args, int n)
{
    if (n != 1 || !all_texts(args, n))
        return -1;
    return puts(args[0].u.text); //! none CWE-843
}
void make_text(struct value *v, const char *text)
{
    v->kind = TEXT;
    v->u.text = text; //! none CWE-843
}

struct env {
    int type;
    void *driver;
};
struct conn {
    int type;
    struct env *env;
    char *name;
};
enum { T_ENV = 1, T_CONN = 2 };
int set_driver(void *handle)
{
    struct env *e = handle; //! CWE-843
    e->driver = dlopen("/usr/lib/drv.so", RTLD_NOW);
    return e->driver ? 0 : -1;
}
int set_name(void *handle, char *name)
{
    struct conn *c = handle; //! none CWE-843
    if (c == NULL || c->type != T_CONN)
        return -2;
    c->name = name;
    return 0;
}
int is_environment(void *handle)
{
    return ((struct env *)handle)->type == T_ENV; //! none CWE-843
}
