/* A strategy in C: buys one of each quote's instrument until it has asked five times, then returns an error. The definitions that
 * tests/plugins/CMakeLists.txt gives it spoil it, each in one way. */
#include <alpha/plugin.h>
#include <stdlib.h>

struct plain {
    int asked;
};

static int create(const alpha_host* host, void** self) {
    struct plain* made = calloc(1, sizeof *made);
    if (made == NULL) {
        return host->fail(host, "no memory");
    }
    *self = made;
    return ALPHA_OK;
}

static void destroy(void* self) {
    free(self);
}

static int on_quote(void* self, const alpha_host* host, const alpha_quote* quote) {
    struct plain* plain = self;
    alpha_order_terms terms = {sizeof terms, 0, ALPHA_BUY, ALPHA_MARKET, ALPHA_GTC, 0, 100000000, 0, 0};
    uint64_t order = 0;
    terms.instrument = quote->instrument;
    if (host->place(host, &terms, &order) != ALPHA_OK || order == 0) {
        return host->fail(host, "an order that cannot be asked for");
    }
    return ++plain->asked < 5 ? ALPHA_OK : 7;
}

#ifdef ONLY_SAVE
static int save(void* self, const alpha_host* host) {
    return host->write(host, self, sizeof(struct plain));
}
#else
# define save NULL
#endif

#ifdef BAD_PARAM
# define LEAST "a few"
#else
# define LEAST "1"
#endif
static const alpha_param params[] = {{"times", ALPHA_INTEGER, 0, "unused", "1", LEAST, NULL}};

#ifdef BEFORE_TRADES
static int stray(void* self, const alpha_host* host, const alpha_trade* trade) {
    abort();
}
#endif

struct grown {
    alpha_plugin table;
    void (*on_dividend)(void);
};

static const struct grown grown = {
    {
#if defined SMALL_TABLE
        sizeof(uint32_t) * 4,
#elif defined BEFORE_TRADES
        offsetof(alpha_plugin, on_trade),
#elif defined USED_TAIL
        sizeof(struct grown),
#else
        sizeof(alpha_plugin),
#endif
#ifdef OTHER_VERSION
        ALPHA_ABI_VERSION + 1,
#else
        ALPHA_ABI_VERSION,
#endif
#ifdef BUILT_IN_NAME
        "sma_cross",
#else
        "plain_c",
#endif
        "buys", params, 1, sizeof params[0], create, destroy,
#ifdef NO_CALLBACK
        NULL,
#else
        on_quote,
#endif
        NULL, NULL, NULL, NULL, NULL, save, NULL,
#ifdef BEFORE_TRADES /* behind its table lies what is no callback */
        stray
#else
        NULL
#endif
    },
    (void (*)(void))create,
};

#ifndef NO_ENTRY
const alpha_plugin* alpha_plugin_entry(uint32_t host_abi_version, uint32_t host_struct_size) {
# ifdef NULL_TABLE
    return NULL;
# else
    (void)grown.on_dividend;
    return host_abi_version != 0 && host_struct_size >= sizeof(alpha_host) ? &grown.table : NULL;
# endif
}
#endif
