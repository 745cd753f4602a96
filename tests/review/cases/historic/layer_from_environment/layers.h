char *layer_setting(const char *name);
int enable_layers(void);
