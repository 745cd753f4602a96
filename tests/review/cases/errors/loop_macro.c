#include <dlfcn.h>
#define for_each_child(c, p) for (c = (p)->first; c; c = c->next)
struct node { struct node *first, *next; void *library; };
void close_all(struct node *node) {
    struct node *child;
    for_each_child(child, node) //! none
        close_all(child);
    if (node->library)
        dlclose(node->library);
}
