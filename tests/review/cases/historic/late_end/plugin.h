struct info {
    int (*init)(void);
    int (*fini)(void);
};
struct plugin {
    void *handle;
    struct info *info;
};
int plugin_open(struct plugin *plugin, const char *file);
int plugin_close(struct plugin *plugin);
