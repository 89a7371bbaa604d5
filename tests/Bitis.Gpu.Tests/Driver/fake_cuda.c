/* A driver without a GPU: memory is that of the host, and kernels do nothing. It checks how it is called.
 *
 * FAKE_CUDA_LOG      a file that receives each name of a call, and at the end what was not freed
 * FAKE_CUDA_FAIL     NAME:ERROR:N, the N-th call of NAME returns ERROR
 * FAKE_CUDA_DEVICES  how many devices there are
 * FAKE_CUDA_VERSION  the driver's version, such as 12040
 * FAKE_CUDA_MAJOR    the compute capability of the first device; FAKE_CUDA_LATER_MAJOR, of the others
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>

#define EXPORT __attribute__((visibility("default")))
enum { CONTEXT, STREAM, MEMORY, MODULE, LINK, EVENT, GRAPH, EXECUTABLE, KINDS };
static const char *kind_names[KINDS] = {
    "contexts", "streams", "buffers", "modules", "links", "events", "graphs", "executables" };
static const uint32_t magic = 0x17b1715f;
typedef struct { uint32_t magic; int kind; char data[]; } handle;

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int live[KINDS], bad;
static FILE *log_file;
static __thread void *current;
static __thread int capturing;

static int number(const char *name, int otherwise) { const char *t = getenv(name); return t ? atoi(t) : otherwise; }

static int enter(const char *name, int needs_context) {
    static int failures;
    int error = 0;
    pthread_mutex_lock(&gate);
    if (!log_file && getenv("FAKE_CUDA_LOG")) log_file = fopen(getenv("FAKE_CUDA_LOG"), "a");
    if (log_file) { fprintf(log_file, "%s\n", name); fflush(log_file); }
    const char *fail = getenv("FAKE_CUDA_FAIL");
    size_t length = strlen(name);
    if (fail && !strncmp(fail, name, length) && fail[length] == ':') {
        int code = 0, nth = 1;
        sscanf(fail + length + 1, "%d:%d", &code, &nth);
        if (++failures >= nth) error = code;
    }
    if (!error && needs_context && !current) { error = 201; bad++; }
    pthread_mutex_unlock(&gate);
    return error;
}
#define ENTER(context) int error = enter(__func__, context); if (error) return error

static void *make(int kind, size_t bytes) {
    handle *h = calloc(1, sizeof(handle) + bytes);
    h->magic = magic; h->kind = kind;
    pthread_mutex_lock(&gate); live[kind]++; pthread_mutex_unlock(&gate);
    return h;
}
static int drop(void *value, int kind) {
    handle *h = value;
    pthread_mutex_lock(&gate);
    int good = h && h->magic == magic && h->kind == kind;
    if (good) { h->magic = 0; live[kind]--; } else bad++;
    pthread_mutex_unlock(&gate);
    return good ? 0 : 400; /* the block stays, so that a second call finds it freed */
}
__attribute__((destructor)) static void finish(void) {
    if (!log_file) return;
    for (int i = 0; i < KINDS; i++) fprintf(log_file, "live %s: %d\n", kind_names[i], live[i]);
    fprintf(log_file, "bad calls: %d\n", bad);
    fclose(log_file);
}

EXPORT int cuInit(unsigned flags) { ENTER(0); return flags; }
EXPORT int cuDriverGetVersion(int *v) { ENTER(0); *v = number("FAKE_CUDA_VERSION", 12040); return 0; }
EXPORT int cuGetErrorName(int e, const char **t) {
    *t = e == 218 ? "CUDA_ERROR_INVALID_PTX" : e == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : "CUDA_ERROR_FAKE"; return 0; }
EXPORT int cuGetErrorString(int e, const char **t) { *t = "fake"; return 0; }
EXPORT int cuDeviceGetCount(int *n) { ENTER(0); *n = number("FAKE_CUDA_DEVICES", 1); return 0; }
EXPORT int cuDeviceGet(int *d, int ordinal) { ENTER(0); *d = ordinal + 40; return 0; }
EXPORT int cuDeviceGetName(char *t, int length, int d) { ENTER(0); snprintf(t, length, "Fake GPU %d", d - 40); return 0; }
EXPORT int cuDeviceTotalMem_v2(size_t *bytes, int d) { ENTER(0); *bytes = 80000000000; return 0; }
EXPORT int cuDeviceGetAttribute(int *v, int attribute, int d) {
    ENTER(0);
    switch (attribute) {
        case 75: *v = number(d == 40 ? "FAKE_CUDA_MAJOR" : "FAKE_CUDA_LATER_MAJOR", 9); break;
        case 76: *v = 0; break;
        case 16: *v = 132; break;
        case 38: *v = 50 << 20; break;
        case 97: *v = 227 << 10; break;
        default: return 1;
    }
    return 0;
}
EXPORT int cuDevicePrimaryCtxRetain(void **c, int d) {
    static void *primary;
    ENTER(0);
    if (!primary) primary = calloc(1, 8);
    pthread_mutex_lock(&gate); live[CONTEXT]++; pthread_mutex_unlock(&gate);
    *c = primary;
    return 0;
}
EXPORT int cuDevicePrimaryCtxRelease_v2(int d) {
    ENTER(0);
    pthread_mutex_lock(&gate);
    int left = --live[CONTEXT];
    if (left < 0) bad++;
    if (left == 0)
        for (int i = CONTEXT + 1; i < KINDS; i++)
            if (live[i]) bad++; /* something outlives its context */
    pthread_mutex_unlock(&gate);
    return 0;
}
EXPORT int cuCtxSetCurrent(void *c) { ENTER(0); current = c; return 0; }
EXPORT int cuModuleLoadDataEx(void **m, const char *image, unsigned n, int *options, void **values) {
    ENTER(1);
    if (strncmp(image, "ASSEMBLED", 9)) return 200;
    *m = make(MODULE, 0);
    return 0;
}
EXPORT int cuModuleUnload(void *m) { ENTER(1); return drop(m, MODULE); }
EXPORT int cuModuleGetFunction(void **f, void *m, const char *name) { ENTER(1); *f = m; return 0; }
EXPORT int cuFuncSetAttribute(void *f, int attribute, int v) { ENTER(1); return attribute == 8 && v <= 227 << 10 ? 0 : 1; }
EXPORT int cuLinkCreate_v2(unsigned n, int *options, void **values, void **link) {
    ENTER(1);
    if (n != 2 || options[0] != 5 || options[1] != 6) return 1;
    *link = make(LINK, 64);
    *(char **)((handle *)*link)->data = values[0];
    return 0;
}
EXPORT int cuLinkAddData_v2(
    void *link, int kind, const char *text, size_t bytes, const char *name, unsigned n, int *options, void **values) {
    int error = enter(__func__, 1);
    if (error == 218) strcpy(*(char **)((handle *)link)->data, "ptxas fatal : line 7; parsing error\n");
    if (error) return error;
    return kind == 1 && text[bytes - 1] == 0 && strstr(text, ".version") && strstr(text, name) ? 0 : 1;
}
EXPORT int cuLinkComplete(void *link, void **image, size_t *bytes) {
    ENTER(1);
    *image = strcpy(((handle *)link)->data + 16, "ASSEMBLED KERNEL"); *bytes = 17;
    return 0;
}
EXPORT int cuLinkDestroy(void *link) { ENTER(1); return drop(link, LINK); }
EXPORT int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
    ENTER(1);
    *address = (uint64_t)(uintptr_t)((handle *)make(MEMORY, bytes))->data;
    return 0;
}
EXPORT int cuMemFree_v2(uint64_t address) {
    ENTER(1);
    return drop((char *)(uintptr_t)address - offsetof(handle, data), MEMORY);
}
EXPORT int cuMemcpyHtoDAsync_v2(uint64_t t, const void *s, size_t bytes, void *stream) {
    ENTER(1); memcpy((void *)(uintptr_t)t, s, bytes); return 0; }
EXPORT int cuMemcpyDtoHAsync_v2(void *t, uint64_t s, size_t bytes, void *stream) {
    ENTER(1); memcpy(t, (void *)(uintptr_t)s, bytes); return 0; }
EXPORT int cuStreamCreate(void **s, unsigned flags) { ENTER(1); *s = make(STREAM, 0); return flags == 1 ? 0 : 1; }
EXPORT int cuStreamDestroy_v2(void *s) { ENTER(1); return drop(s, STREAM); }
EXPORT int cuStreamSynchronize(void *s) { ENTER(1); return 0; }
EXPORT int cuEventCreate(void **e, unsigned flags) { ENTER(1); *e = make(EVENT, 0); return 0; }
EXPORT int cuEventRecord(void *e, void *s) { ENTER(1); return 0; }
EXPORT int cuEventElapsedTime(float *ms, void *a, void *b) { ENTER(1); *ms = 0.25f; return 0; }
EXPORT int cuEventDestroy_v2(void *e) { ENTER(1); return drop(e, EVENT); }
EXPORT int cuStreamBeginCapture_v2(void *s, int mode) { ENTER(1); capturing = 1; return mode == 1 ? 0 : 1; }
EXPORT int cuStreamEndCapture(void *s, void **g) {
    int error = enter(__func__, 1);
    if (!capturing) return 900;
    capturing = 0;
    if (!error) *g = make(GRAPH, 0);
    return error;
}
EXPORT int cuLaunchKernel(
    void *f, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned ty, unsigned tz, unsigned shared, void *s,
    void **parameters, void **extra) {
    ENTER(1);
    return x && y && z == 1 && threads && threads <= 1024 && ty == 1 && tz == 1 && parameters && !extra ? 0 : 1;
}
EXPORT int cuGraphInstantiateWithFlags(void **e, void *g, unsigned long long flags) {
    ENTER(1); *e = make(EXECUTABLE, 0); return 0; }
EXPORT int cuGraphLaunch(void *e, void *s) { ENTER(1); return 0; }
EXPORT int cuGraphExecDestroy(void *e) { ENTER(1); return drop(e, EXECUTABLE); }
EXPORT int cuGraphDestroy(void *g) { ENTER(1); return drop(g, GRAPH); }
