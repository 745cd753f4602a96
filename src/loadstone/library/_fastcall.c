/* Calls of C functions at the speed of built-in ones, for the conventions that make it simple.
 *
 * System V x86-64 and AAPCS64 assign integer and floating registers independently, in the order of the arguments. So
 * a function of up to six integer-class and eight floating parameters, in any order, is called rightly by one shape
 * that fills all fourteen registers: those the function does not read do no harm. (System V ABI AMD64 3.2.3; AAPCS64
 * 6.8.2.)
 *
 * Every callable keeps the ctypes function it stands for. Whatever is not the plainest kind of argument (a wrong count,
 * a wrong type, a number out of range, a ctypes instance, an array of numpy) is handed to that one with all arguments,
 * before anything was called: so there is one place for the rules and for the words of errors.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

#define INTEGERS 6
#define FLOATS 8

typedef uint64_t (*integer_call)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, double, double, double,
                                 double, double, double, double, double);
typedef double (*double_call)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, double, double, double,
                              double, double, double, double, double);
typedef float (*float_call)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, double, double, double,
                            double, double, double, double, double);

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    uintptr_t address;
    PyObject *slow;  /* the ctypes function for everything else */
    PyObject *owner; /* keeps the library loaded */
    PyObject *name;
    PyObject *doc;
    PyObject *weak;
    int count;
    char keep_gil;
    char result;
    char kinds[INTEGERS + FLOATS];
} Function;

/* The registers of one call, and the buffers that must stay where they are until it is over. */
typedef struct {
    uint64_t integers[INTEGERS];
    double floats[FLOATS];
    Py_buffer views[INTEGERS];
    int held;
} Call;

/* The value as an integer of at most 32 bits, or of 64 with a sign; 0 when it is none or does not fit. */
static int
signed_number(PyObject *value, int64_t low, int64_t high, uint64_t *out)
{
    int overflow = 0;
    if (!PyLong_CheckExact(value)) {
        return 0;
    }
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow || number < low || number > high) {
        return 0;
    }
    *out = (uint64_t)number;
    return 1;
}

static int
unsigned_number(PyObject *value, uint64_t *out)
{
    if (!PyLong_CheckExact(value)) {
        return 0;
    }
    unsigned long long number = PyLong_AsUnsignedLongLong(value);
    if (number == (unsigned long long)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    *out = number;
    return 1;
}

/* An address for C. A ctypes instance has a buffer too, but means something else by it: only these four types. */
static int
pointer(PyObject *value, int readable, Call *call, uint64_t *out)
{
    if (value == Py_None) {
        *out = 0;
        return 1;
    }
    if (readable && PyBytes_CheckExact(value)) {
        *out = (uintptr_t)PyBytes_AS_STRING(value);
        return 1;
    }
    if (PyByteArray_CheckExact(value) || Py_IS_TYPE(value, &PyMemoryView_Type)) {
        Py_buffer *view = &call->views[call->held];
        if (PyObject_GetBuffer(value, view, readable ? PyBUF_SIMPLE : PyBUF_WRITABLE) < 0) {
            PyErr_Clear();
            return 0;
        }
        call->held++;
        *out = (uintptr_t)view->buf;
        return 1;
    }
    return unsigned_number(value, out);
}

static int
floating(PyObject *value, int single, double *out)
{
    if (!PyFloat_CheckExact(value)) {
        return 0;
    }
    double number = PyFloat_AS_DOUBLE(value);
    if (single) { /* the low half of the register, by its own bits */
        float narrow = (float)number;
        memset(out, 0, sizeof *out);
        memcpy(out, &narrow, sizeof narrow);
    } else {
        *out = number;
    }
    return 1;
}

/* Fill the registers; 0 as soon as an argument is not one of the plain kind. fastcall.py counted: there is room. */
static int
place(const Function *self, PyObject *const *args, Call *call)
{
    uint64_t *integer = call->integers;
    double *real = call->floats;
    for (int i = 0; i < self->count; i++) {
        PyObject *value = args[i];
        int good = 0;
        switch (self->kinds[i]) {
        case 'b': good = signed_number(value, INT8_MIN, INT8_MAX, integer++); break;
        case 'B': good = signed_number(value, 0, UINT8_MAX, integer++); break;
        case 'h': good = signed_number(value, INT16_MIN, INT16_MAX, integer++); break;
        case 'H': good = signed_number(value, 0, UINT16_MAX, integer++); break;
        case 'i': good = signed_number(value, INT32_MIN, INT32_MAX, integer++); break;
        case 'I': good = signed_number(value, 0, UINT32_MAX, integer++); break;
        case 'q': good = signed_number(value, INT64_MIN, INT64_MAX, integer++); break;
        case 'Q': good = unsigned_number(value, integer++); break;
        case '?': good = PyBool_Check(value); *integer++ = value == Py_True; break;
        case 'C': good = pointer(value, 1, call, integer++); break;
        case 'P': good = pointer(value, 0, call, integer++); break;
        case 'f': good = floating(value, 1, real++); break;
        case 'd': good = floating(value, 0, real++); break;
        }
        if (!good) {
            return 0;
        }
    }
    return 1;
}

static void
let_go(Call *call)
{
    while (call->held > 0) {
        PyBuffer_Release(&call->views[--call->held]);
    }
}

static PyObject *
as_object(char kind, uint64_t integer, double real)
{
    switch (kind) {
    case 'b': return PyLong_FromLong((int8_t)integer);
    case 'B': return PyLong_FromLong((uint8_t)integer);
    case 'h': return PyLong_FromLong((int16_t)integer);
    case 'H': return PyLong_FromLong((uint16_t)integer);
    case 'i': return PyLong_FromLong((int32_t)integer);
    case 'I': return PyLong_FromUnsignedLongLong((uint32_t)integer);
    case 'q': return PyLong_FromLongLong((int64_t)integer);
    case 'Q': return PyLong_FromUnsignedLongLong(integer);
    case '?': return PyBool_FromLong((uint8_t)integer);
    case 'c': {
        char one = (char)integer;
        return PyBytes_FromStringAndSize(&one, 1);
    }
    case 'f':
    case 'd': return PyFloat_FromDouble(real);
    case 's':
        if (integer != 0) {
            return PyBytes_FromString((const char *)(uintptr_t)integer);
        }
        Py_RETURN_NONE;
    case 'p':
        if (integer != 0) {
            return PyLong_FromUnsignedLongLong(integer);
        }
        Py_RETURN_NONE;
    default: Py_RETURN_NONE;
    }
}

#define REGISTERS(c)                                                                                                   \
    (c).integers[0], (c).integers[1], (c).integers[2], (c).integers[3], (c).integers[4], (c).integers[5],              \
        (c).floats[0], (c).floats[1], (c).floats[2], (c).floats[3], (c).floats[4], (c).floats[5], (c).floats[6],       \
        (c).floats[7]

static PyObject *
function_call(PyObject *object, PyObject *const *args, size_t flagged, PyObject *names)
{
    Function *self = (Function *)object;
    Py_ssize_t given = PyVectorcall_NARGS(flagged);
    Call call;
    memset(call.integers, 0, sizeof call.integers);
    memset(call.floats, 0, sizeof call.floats);
    call.held = 0;
    if (names != NULL || given != self->count || !place(self, args, &call)) {
        let_go(&call);
        return PyObject_Vectorcall(self->slow, args, (size_t)given, names);
    }
    uint64_t integer = 0;
    double real = 0;
    PyThreadState *saved = self->keep_gil ? NULL : PyEval_SaveThread();
    switch (self->result) {
    case 'd': real = ((double_call)self->address)(REGISTERS(call)); break;
    case 'f': real = ((float_call)self->address)(REGISTERS(call)); break;
    default: integer = ((integer_call)self->address)(REGISTERS(call));
    }
    if (saved != NULL) {
        PyEval_RestoreThread(saved);
    }
    /* The text may lie in a buffer that was passed: read it before the buffer is let go. */
    PyObject *result = as_object(self->result, integer, real);
    let_go(&call);
    return result;
}

static PyObject *
function_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"address", "slow", "owner", "name", "doc", "result", "kinds", "keep_gil", NULL};
    unsigned long long address;
    PyObject *slow, *owner, *name, *doc;
    const char *kinds;
    Py_ssize_t count;
    int result, keep_gil, integers = 0, floats = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "KOOUUCs#p", words, &address, &slow, &owner, &name, &doc, &result,
                                     &kinds, &count, &keep_gil)) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (strchr("fd", kinds[i]) != NULL) {
            floats++;
        } else {
            integers++;
        }
    }
    if (address == 0 || integers > INTEGERS || floats > FLOATS) {
        PyErr_SetString(PyExc_ValueError, "a null address, or more arguments than registers");
        return NULL;
    }
    Function *self = (Function *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = function_call;
    self->address = (uintptr_t)address;
    self->slow = Py_NewRef(slow);
    self->owner = Py_NewRef(owner);
    self->name = Py_NewRef(name);
    self->doc = Py_NewRef(doc);
    self->count = (int)count;
    self->keep_gil = (char)keep_gil;
    self->result = (char)result;
    memcpy(self->kinds, kinds, (size_t)count);
    return (PyObject *)self;
}

static int
function_traverse(PyObject *object, visitproc visit, void *arg)
{
    Function *self = (Function *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->slow);
    Py_VISIT(self->owner);
    return 0;
}

/* There is no tp_clear, as a tuple has none: a function never changes, so no cycle is made of functions alone, and one
 * that a finalizer calls still has its library. */
static void
function_dealloc(PyObject *object)
{
    Function *self = (Function *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (self->weak != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    Py_XDECREF(self->slow);
    Py_XDECREF(self->owner);
    Py_XDECREF(self->name);
    Py_XDECREF(self->doc);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *
function_repr(PyObject *object)
{
    return PyUnicode_FromFormat("<C function %U>", ((Function *)object)->doc);
}

static PyObject *
function_reduce(PyObject *object, PyObject *ignored)
{
    return PyErr_Format(PyExc_TypeError, "%R cannot be copied or pickled: it is an address in this process", object);
}

/* The function where C wants a pointer to one. Not _as_parameter_: ctypes.cast() would drop what that returns and keep
 * a bare address, which lets the library be unloaded under it. It is a new ctypes
 * function, which keeps this one and so the library alive. */
static PyObject *
function_as_pointer(PyObject *object, void *ignored)
{
    Function *self = (Function *)object;
    PyObject *made = PyObject_CallFunction((PyObject *)Py_TYPE(self->slow), "K", (unsigned long long)self->address);
    if (made != NULL && PyObject_SetAttrString(made, "owner", object) < 0) {
        Py_CLEAR(made);
    }
    return made;
}

static PyMemberDef function_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Function, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Function, weak), READONLY, NULL},
    {"__name__", T_OBJECT_EX, offsetof(Function, name), READONLY, NULL},
    {"__doc__", T_OBJECT_EX, offsetof(Function, doc), READONLY, NULL},
    {"owner", T_OBJECT_EX, offsetof(Function, owner), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef function_getset[] = {
    {"pointer", function_as_pointer, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef function_methods[] = {
    {"__reduce__", function_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot function_slots[] = {
    {Py_tp_new, function_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_traverse, function_traverse},
    {Py_tp_dealloc, function_dealloc},
    {Py_tp_repr, function_repr},
    {Py_tp_members, function_members},
    {Py_tp_getset, function_getset},
    {Py_tp_methods, function_methods},
    {0, NULL},
};

static PyType_Spec function_spec = {
    .name = "loadstone.library._fastcall.Function",
    .basicsize = sizeof(Function),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = function_slots,
};

static int
module_exec(PyObject *module)
{
#if (defined(__x86_64__) && !defined(_WIN32) && !defined(__ILP32__)) || (defined(__aarch64__) && !defined(_WIN32))
    PyObject *type = PyType_FromModuleAndSpec(module, &function_spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int done = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return done;
#else
    PyErr_SetString(PyExc_ImportError, "fast calls are made for System V x86-64 and AArch64 only");
    return -1;
#endif
}

/* Nothing is shared between interpreters. Free-threaded builds are not declared, so there the lock comes back on. */
static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, module_exec}, {0, NULL}};
static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_fastcall", .m_size = 0, .m_slots = module_slots};

PyMODINIT_FUNC
PyInit__fastcall(void)
{
    return PyModuleDef_Init(&module_definition);
}
