/* the same mistakes through other carriers */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <sys/socket.h>
#include <arpa/inet.h>
struct msg { uint16_t kind; uint16_t len; uint8_t data[512]; };
struct body { uint32_t n; uint32_t at; };
struct pack { struct body body; uint32_t *table; uint32_t ntable; };
struct node { struct node *next; struct body b; };
static struct pack current; static uint32_t global_count; static uint32_t ids[16]; static char names[8][32]; static int nnames;
#define READ32(p) ((uint32_t)(p)[0] | (uint32_t)(p)[1] << 8 | (uint32_t)(p)[2] << 16 | (uint32_t)(p)[3] << 24)

static uint32_t word(const uint8_t *p) { return READ32(p); }
static int word_out(FILE *f, uint32_t *out) { return fread(out, sizeof *out, 1, f) == 1; }

int through_out_parameter(FILE *f) {
    uint32_t n;
    if (!word_out(f, &n)) return -1;
    for (uint32_t i = 0; i < n; i++) word_out(f, &ids[i]); //! CWE-787
    return 0;
}

int through_global(FILE *f) {
    if (fread(&global_count, sizeof global_count, 1, f) != 1) return -1;
    return 0;
}
int use_global(void) {
    return (int)ids[global_count];
}

int through_member(FILE *f) {
    if (fread(&current.body, sizeof current.body, 1, f) != 1) return -1;
    ids[current.body.n] = 1; //! CWE-787/129
    return 0;
}

int bytes_put_together(int fd) {
    uint8_t raw[64];
    if (recv(fd, raw, sizeof raw, 0) != sizeof raw) return -1;
    uint32_t i = word(raw);
    return raw[i]; //! CWE-125/129
}

static void deep_copy(char *to, const uint8_t *from, uint16_t n) { memcpy(to, from, n); }
int two_calls(int fd) {
    struct msg m; char text[64];
    if (recv(fd, &m, sizeof m, 0) < 4) return -1;
    deep_copy(text, m.data, ntohs(m.len));
    return text[0];
}

int datagram(int fd) {
    struct msg m; char text[512];
    ssize_t got = recv(fd, &m, sizeof m, 0);
    if (got < 4) return -1;
    uint16_t n = ntohs(m.len);
    if (n > sizeof text) return -1;
    memcpy(text, m.data, n);
    return text[0];
}
void *worker(void *arg) {
    struct node *n = arg;
    for (; n; n = n->next)
        ids[n->b.n] = n->b.at;  //! CWE-125
    return NULL;
}

struct node *read_nodes(FILE *f) {
    struct node *head = NULL;
    for (int i = 0; i < 10; i++) {
        struct node *n = malloc(sizeof *n);
        if (!n) break;
        if (fread(&n->b, sizeof n->b, 1, f) != 1) { free(n); break; }
        n->next = head; head = n;
    }
    return head;
}
int off_by_one(void) {
    for (int i = 0; i <= 16; i++) ids[i] = 0; //! CWE-787/193
    return 0;
}

int constant_index(void) {
    uint32_t local[4];
    local[4] = 1; //! CWE-787
    return (int)local[0];
}

int size_of_pointer(const char *from) {
    char *to = malloc(64);
    if (!to) return -1;
    memset(to, 0, sizeof to); //! CWE-131/467/805
    strncpy(to, from, 63);
    free(to);
    return 0;
}
int reserve_of_pointer(FILE *f) {
    struct msg *m = malloc(sizeof m); //! CWE-131/467/787
    if (!m) return -1;
    int r = fread(m, sizeof *m, 1, f) == 1;
    free(m);
    return r;
}

int narrow(FILE *f) {
    uint32_t len;
    if (fread(&len, sizeof len, 1, f) != 1 || len > 100000) return -1;
    uint16_t room = len + 1;
    char *p = malloc(room);
    if (!p) return -1;
    size_t got = fread(p, 1, len, f);
    p[got] = 0;
    free(p);
    return 0;
}

int plus_one(FILE *f) {
    uint32_t len;
    if (fread(&len, sizeof len, 1, f) != 1) return -1;
    char *p = malloc(len + 1); //! CWE-190/789/131
    if (!p) return -1;
    fread(p, 1, len, f);
    p[len] = 0;
    free(p);
    return 0;
}
int add_name(const char *n) {
    strcpy(names[nnames], n); //! CWE-120/787
    nnames++;
    return 0;
}

int grow_late(struct pack *p, uint32_t v) {
    if (p->ntable > 64) return -1;
    if (!p->table) p->table = malloc(64 * sizeof *p->table);
    if (!p->table) return -1;
    p->table[p->ntable++] = v;
    return 0;
}

int char_index(const char *text) {
    static const unsigned char class_of[256];
    int n = 0;
    for (; *text; text++) n += class_of[(int)*text];
    return n;
}

int moved_pointer(const char *line) {
    char *copy = strdup(line);
    if (!copy) return -1;
    while (*copy == ' ') copy++;
    int n = (int)strlen(copy);
    free(copy);
    return n;
}

int ends_with(const char *path) {
    return strcmp(path + strlen(path) - 3, ".so") == 0;
}

int main(int argc, char **argv) {
    void *lib = dlopen("/usr/lib/c/core.so", RTLD_NOW);
    if (!lib || argc < 2) return 1;
    FILE *f = fopen(argv[1], "rb");
    if (!f) return 1;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0) return 1;
    through_out_parameter(f); through_out_parameter_ok(f); through_global(f); use_global(); use_global_ok(); through_member(f); through_member_ok(f);
    bytes_put_together(fd); bytes_put_together_ok(fd); two_calls(fd); two_calls_ok(fd); datagram(fd);
    pthread_t t; pthread_create(&t, NULL, worker, read_nodes(f)); pthread_join(t, NULL); pthread_create(&t, NULL, worker_ok, read_nodes(f)); pthread_join(t, NULL);
    off_by_one(); off_by_one_ok(); constant_index(); constant_index_ok(); size_of_pointer(argv[1]); reserve_of_pointer(f); reserve_of_pointer_ok(f); narrow(f); narrow_ok(f); plus_one(f);
    add_name(argv[1]); add_name_ok(argv[1]); grow_late(&current, 1); grow_late_ok(&current, 1); char_index(argv[1]); char_index_ok(argv[1]); moved_pointer(argv[1]); moved_pointer_ok(argv[1]); ends_with(argv[1]); ends_with_ok(argv[1]);
    fclose(f); dlclose(lib);
    return 0;
}
