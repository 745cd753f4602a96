/* Opens the last argument with the flags of the first, after opening those between; says what came of it.
   The flag 0x10000 opens it in a namespace of its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    struct link_map *map, *last = NULL;
    int flags = atoi(argv[1]), apart = flags & 0x10000;
    const char *target = argv[argc - 1];
    for (int i = 2; i < argc - 1; i++)
        if (!dlopen(argv[i], RTLD_NOW)) printf("before: %s\n", dlerror());
    for (map = dlopen(NULL, RTLD_NOW); map; map = map->l_next) last = map;
    map = apart ? dlmopen(LM_ID_NEWLM, target, flags & 0xffff) : dlopen(target, flags);
    if (!map) {
        printf("error: %s\n", dlerror());
        return 0;
    }
    while (apart && map->l_prev) map = map->l_prev;
    for (map = apart ? map : last->l_next; map; map = map->l_next)
        if (!strstr(map->l_name, "/ld-linux")) printf("loaded: %s\n", map->l_name);
    printf("done\n");
    return 0;
}
