typedef void (*event_fn)(int kind);
void transport_listen(event_fn listener);
void transport_forget(void);
