#include "transport.h"
#include <stddef.h>

static event_fn heard;

void transport_listen(event_fn listener)
{
    heard = listener;
}

void transport_forget(void)
{
    heard = NULL;
}

void transport_event(int kind)
{
    if (heard)
        heard(kind); //! CWE-416/672/825
}
