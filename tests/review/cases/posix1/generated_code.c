#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
typedef double (*expr_fn)(double);
expr_fn compile(const char *expr, const char *dir){
    char src[256], so[256];
    snprintf(src, sizeof src, "%s/e.c", dir);
    snprintf(so, sizeof so, "%s/e.so", dir);
    FILE *f = fopen(src, "w");
    if (!f) return NULL;
    fprintf(f, "#include <math.h>\ndouble eval(double x) { return %s; }\n", expr); //! CWE-94
    fclose(f);
    pid_t p = fork();
    if (p == 0) { execl("/usr/bin/cc", "cc", "-shared", "-fPIC", "-o", so, src, (char *)0); _exit(127); }
    int st;
    if (p < 0 || waitpid(p, &st, 0) < 0 || !WIFEXITED(st) || WEXITSTATUS(st)) return NULL;
    void *h = dlopen(so, RTLD_NOW);
    if (!h) { fprintf(stderr, "%s\n", dlerror()); return NULL; }
    return (expr_fn)dlsym(h, "eval");
}
int main(int argc, char **argv){
    char line[256];
    if (!fgets(line, sizeof line, stdin)) return 1;
    expr_fn e = compile(line, "/var/lib/expr");
    if (e) printf("%g\n", e(2));
    return 0;
}
expr_fn compile_checked(const char *expr, const char *dir){
    char src[256];
    if (expr[strspn(expr, "0123456789.+-*/() x")] != '\0') return NULL;
    snprintf(src, sizeof src, "%s/e.c", dir);
    FILE *f = fopen(src, "w");
    if (!f) return NULL;
    fprintf(f, "#include <math.h>\ndouble eval(double x) { return %s; }\n", expr); //! none
    fclose(f);
    return NULL;
}
