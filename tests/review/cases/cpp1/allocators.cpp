// Memory goes back to what made it
#include <cstdlib>
#include <dlfcn.h>
#include <memory>
#include <string>

struct Doc { std::string text; };
struct Node { int kids; };

static Node *(*g_parse)(const char *);
static void (*g_discard)(Node *);

bool init(void *core)
{
    g_parse = (Node * (*)(const char *)) dlsym(core, "parse");
    g_discard = (void (*)(Node *))dlsym(core, "discard");
    return g_parse && g_discard;
}

Doc *make(const char *text)
{
    auto doc = std::make_unique<Doc>();
    Node *tree = g_parse(text);
    if (!tree)
        return nullptr;
    doc->text = std::to_string(tree->kids);
    delete tree; //! CWE-762
    return doc.release();
}

int count(const char *text)
{
    Node *tree = g_parse(text);
    if (!tree)
        return 0;
    const int n = tree->kids;
    g_discard(tree); //! none
    return n;
}

void drop(Doc *doc) { std::free(doc); } //! CWE-762
void dropped(Doc *doc) { delete doc; } //! none
