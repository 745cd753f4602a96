/* command line, environment and configuration lines */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#define MAXLIBS 8
static void *libs[MAXLIBS]; static int nlibs;
static const char *args[8];
struct conf { int prio[10]; char dir[100]; char *vars[20]; int nvars; };

int load_all_ok(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (nlibs == MAXLIBS) return -1;
        void *l = dlopen("/usr/lib/w/plug.so", RTLD_NOW);
        if (!l) return -1;
        libs[nlibs++] = l; //! none
    }
    return 0;
}

int split_ok(char *line) {
    int n = 0;
    for (char *w = strtok(line, " "); w && n < 8; w = strtok(NULL, " "))
        args[n++] = w; //! none
    return n;
}

int index_of_word_ok(struct conf *c, char **argv) {
    int i = atoi(argv[1]);
    if (i < 0 || i >= 10) return -1;
    return c->prio[i]; //! none
}

int set_of_word_ok(struct conf *c, const char *line) {
    int slot, value;
    if (sscanf(line, "%d=%d", &slot, &value) != 2) return -1;
    if (slot < 0 || slot >= 10) return -1;
    c->prio[slot] = value; //! none
    return 0;
}

int from_env_ok(void) {
    const char *s = getenv("W_SLOTS");
    int n = s ? atoi(s) : 4;
    if (n < 1 || n > 64) n = 4;
    void **slots = malloc(n * sizeof *slots); //! none
    if (!slots) return -1;
    free(slots);
    return 0;
}

int dir_of_env_ok(struct conf *c) {
    const char *d = getenv("W_DIR");
    if (!d) return -1;
    return snprintf(c->dir, sizeof c->dir, "%s/plug.so", d) < (int)sizeof c->dir ? 0 : -1; //! none
}

int word_of_line_ok(FILE *f, struct conf *c) {
    return fscanf(f, "dir=%99s", c->dir); //! none
}

unsigned mask_of_ok(char **argv) {
    int bit = atoi(argv[2]);
    if (bit < 0 || bit > 31) return 0;
    return 1u << bit; //! none
}

int joined_ok(char **argv, int argc) {
    char line[256]; size_t pos = 0;
    for (int i = 1; i < argc; i++) {
        int n = snprintf(line + pos, sizeof line - pos, "%s ", argv[i]); //! none
        if (n < 0 || (size_t)n >= sizeof line - pos) break;
        pos += n;
    }
    return puts(line);
}

void appended_ok(char **argv) {
    char path[64] = "/usr/lib/w/";
    strncat(path, argv[1], sizeof path - strlen(path) - 1); //! none
    puts(path);
}

char *doubled_ok(const char *s) {
    char *t = malloc(strlen(s) + 1); //! none
    if (t) strcpy(t, s);
    return t;
}

int env_loop_ok(struct conf *c, char **envp) {
    for (char **e = envp; *e; e++)
        if (!strncmp(*e, "W_", 2) && c->nvars < 20)
            c->vars[c->nvars++] = *e; //! none
    return c->nvars;
}

int base_name_ok(const char *path, char *out, size_t room) {
    const char *slash = strrchr(path, '/');
    size_t n = strlen(slash ? slash + 1 : path);
    if (n >= room) return -1;
    memcpy(out, slash ? slash + 1 : path, n);
    out[n] = 0; //! none
    return 0;
}

int chop_ok(char *line) {
    size_t n = strlen(line);
    if (n && line[n - 1] == '\n') line[n - 1] = 0; //! none
    return 0;
}
int main(int argc, char **argv, char **envp) {
    static struct conf c; char line[200], base[40];
    void *l = dlopen("/usr/lib/w/core.so", RTLD_NOW);
    if (!l || argc < 3) return 1;
    load_all(argc, argv); load_all_ok(argc, argv);
    while (fgets(line, sizeof line, stdin)) { chop(line); chop_ok(line); split(line); split_ok(line); set_of_word(&c, line); set_of_word_ok(&c, line); free(doubled(line)); free(doubled_ok(line)); }
    index_of_word(&c, argv); index_of_word_ok(&c, argv); from_env(); from_env_ok(); dir_of_env(&c); dir_of_env_ok(&c); word_of_line(stdin, &c); word_of_line_ok(stdin, &c);
    mask_of(argv); mask_of_ok(argv); joined(argv, argc); joined_ok(argv, argc); appended(argv); appended_ok(argv); env_loop(&c, envp); env_loop_ok(&c, envp);
    base_name(argv[1], base, sizeof base); base_name_ok(argv[1], base, sizeof base);
    return 0;
}
