/* bytecode runner: native extension handles in user data */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct value { int tag; union { void *ptr; double num; long (*fn)(long); } u; };
struct vm { struct value stack[64]; int top; void *exts[8]; int nexts; };
enum { T_NUM, T_FN, T_PTR };

int vm_open(struct vm *vm, const char *path)
{
    void *h;
    if (vm->nexts >= 8)
        return -1;
    h = dlopen(path, RTLD_NOW);
    if (h == NULL)
        return -1;
    vm->exts[vm->nexts++] = h;
    return 0;
}
int vm_bind(struct vm *vm, const char *name)
{
    int i;
    for (i = 0; i < vm->nexts; i++) {
        void *p = dlsym(vm->exts[i], name);
        if (p != NULL && vm->top < 64) {
            vm->stack[vm->top].tag = T_FN;
            *(void **)&vm->stack[vm->top].u.fn = p;
            vm->top++;
            return 0;
        }
    }
    return -1;
}
long vm_call(struct vm *vm, long a)
{
    struct value *v;
    if (vm->top == 0)
        return -1;
    v = &vm->stack[vm->top - 1];
    if (v->tag != T_FN)
        return -1;
    return v->u.fn(a);  //! none
}
void vm_close(struct vm *vm)
{
    int i;
    for (i = 0; i < vm->nexts; i++)
        dlclose(vm->exts[i]);
    vm->nexts = 0;
    vm->top = 0;  //! none
}
