const char *driver_directories(void);
const char *driver_directories_now(void);
void *open_driver(const char *name);
