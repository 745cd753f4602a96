struct daemon {
    char *engine_path;
    void *engine;
};
int set_option(struct daemon *daemon, const char *name, const char *value);
int start_engine(struct daemon *daemon);
