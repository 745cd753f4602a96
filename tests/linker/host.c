/* Opens the last argument with the flags of the first, after opening those between; says what came of it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    struct link_map *map, *last = NULL;
    for (int i = 2; i < argc - 1; i++)
        if (!dlopen(argv[i], RTLD_NOW)) printf("before: %s\n", dlerror());
    for (map = dlopen(NULL, RTLD_NOW); map; map = map->l_next) last = map;
    if (!dlopen(argv[argc - 1], atoi(argv[1]))) {
        printf("error: %s\n", dlerror());
        return 0;
    }
    for (map = last->l_next; map; map = map->l_next) printf("loaded: %s\n", map->l_name);
    printf("done\n");
    return 0;
}
