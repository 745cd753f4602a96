#ifdef TRACING
#define RETURN(value) do { long traced = (long)(value); trace("returns", traced); return (value); } while (0)
#else
#define RETURN(value) return (value)
#endif
