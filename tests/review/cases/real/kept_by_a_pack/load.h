struct Header
{
    int magic;
    int type;
    int (*init)();
};
Header * load(const char * path);
void unload_all();
