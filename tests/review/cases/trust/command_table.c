/* A name that a client sends reaches a load through a table of commands, a hook, and a member that a helper fills. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const known[] = {"/usr/lib/agent/disk.so", "/usr/lib/agent/net.so"};
static void *modules[2];

static int on_load(int fd, const char *argument)
{
	void *module = dlopen(argument, RTLD_NOW | RTLD_LOCAL); //! CWE-114
	if (module == NULL)
		return dprintf(fd, "%s\n", dlerror());
	return 0;
}

static int on_numbered(int fd, const char *argument)
{
	int number = argument[0] - '0';
	if (number < 0 || number > 1)
		return dprintf(fd, "no such module\n");
	modules[number] = dlopen(known[number], RTLD_NOW | RTLD_LOCAL); //! none CWE-114/CWE-22/CWE-73
	return modules[number] != NULL ? 0 : -1;
}

static int on_bye(int fd, const char *argument)
{
	(void)argument;
	return dprintf(fd, "bye\n");
}

static const struct {
	const char *verb;
	int (*run)(int, const char *);
} commands[] = {{"LOAD", on_load}, {"NUMBER", on_numbered}, {"BYE", on_bye}};

int serve(int listening)
{
	char line[256], *blank;
	int result = -1, fd = accept(listening, NULL, NULL);
	if (fd < 0)
		return -1;
	ssize_t count = recv(fd, line, sizeof line - 1, 0);
	if (count > 0) {
		line[count] = 0;
		if ((blank = strchr(line, ' ')) != NULL) {
			*blank++ = 0;
			for (unsigned i = 0; i < 3; i++)
				if (strcmp(commands[i].verb, line) == 0)
					result = commands[i].run(fd, blank);
		}
	}
	close(fd);
	return result;
}

struct request {
	char symbol[64];
};

static void (*hook)(const struct request *);

static void run_request(const struct request *request)
{
	void *all = dlopen("/usr/lib/agent/all.so", RTLD_NOW);
	if (all == NULL)
		return;
	void (*entry)(void) = (void (*)(void))dlsym(all, request->symbol); //! CWE-470
	if (entry != NULL)
		entry();
	dlclose(all);
}

void install_hook(void)
{
	hook = run_request;
}

void pump(FILE *in)
{
	struct request request;
	while (fread(&request, sizeof request, 1, in) == 1) {
		request.symbol[sizeof request.symbol - 1] = 0;
		if (hook != NULL)
			hook(&request);
	}
}

struct gauge {
	char driver[32];
	char file[64];
};

/* The layout lets letters into the one word, and anything into the other. */
int gauge_read(struct gauge *gauge, FILE *in)
{
	return fscanf(in, "driver=%31[a-z0-9_] file=%63s", gauge->driver, gauge->file) == 2 ? 0 : -1;
}

void *gauge_driver(const struct gauge *gauge)
{
	char path[128];
	snprintf(path, sizeof path, "/usr/lib/gauge/%s.so", gauge->driver);
	return dlopen(path, RTLD_NOW); //! none CWE-22/CWE-114/CWE-73
}

void *gauge_file(const struct gauge *gauge)
{
	char path[128];
	snprintf(path, sizeof path, "/usr/lib/gauge/%s.so", gauge->file);
	return dlopen(path, RTLD_NOW); //! CWE-22
}
