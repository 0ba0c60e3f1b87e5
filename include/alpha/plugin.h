/* A strategy in a shared library, as alpha and the library see each other: a table of functions each way, in plain C.
 *
 * C++ programs include <alpha/strategy.hpp>, which makes the library's table from a class. This header stands alone, so that
 * a strategy can be written in anything that speaks C.
 *
 *   LIBRARY   exports one function, alpha_plugin_entry, which gives its table (alpha_plugin).
 *   HOST      alpha's own table (alpha_host), handed to each of the library's functions.
 *
 * Units. Prices and quantities are whole numbers of 1e-8: 182.53 is 18253000000. Money is in two parts (alpha_money), because
 * its sums are wider than 64 bits. Times are nanoseconds since 1970-01-01 UTC; they are event time, never a clock's.
 *
 * Errors. Functions return 0 (ALPHA_OK) or something else. When one of the library's callbacks returns something else, alpha
 * notes that in the log, with the text given to alpha_host::fail, drops what the callback asked for, and never calls that
 * strategy again; its open orders stay as they are and everything else goes on. No exception may leave a function of the
 * library.
 *
 * Ownership. What a pointer leads to belongs to who made it. The host's pointers (the table, texts, events) are good until the
 * function that they were given to returns; the library's table and the texts in it for ever: a library is never unloaded.
 *
 * Threads. One session calls its strategies on one thread, never two at once. The host's functions may be called on that thread
 * only, and only until the function that was given the host returns.
 *
 * Determinism. A strategy must decide from what it is told alone: no clock, no randomness, no files, no environment. alpha
 * checks: `alpha replay --verify` lets it decide a log again and compares every byte. Compile with -ffp-contract=off.
 *
 * Growth. Structures only ever gain members at their end, and struct_size says how many there are; a side that finds fewer
 * than it knows treats the others as absent. Events, which have no struct_size, grow together with the host's table: a host
 * that has place_linked fills in every member of the events below. ALPHA_ABI_VERSION changes when a member changes its meaning,
 * and only equal versions work together: a library goes on working with every later host of its version.
 */
#ifndef ALPHA_PLUGIN_H
#define ALPHA_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define ALPHA_ABI_VERSION 1u

#define ALPHA_PLUGIN_EXPORT __attribute__((visibility("default")))

#define ALPHA_TAG_BYTES 32u
#define ALPHA_LINKED_ORDERS 8u

#define ALPHA_OK 0
#define ALPHA_FAILED 1

#ifdef __cplusplus
extern "C" {
#endif

/* ---- vocabulary ------------------------------------------------------------------------------------------------------- */

enum { ALPHA_BUY = 1, ALPHA_SELL = 2 };
enum {
    ALPHA_MARKET = 1,    /* fills at the best price there is */
    ALPHA_LIMIT = 2,     /* fills at its limit or better */
    ALPHA_STOP = 3,      /* becomes a market order once the market trades through its stop */
    ALPHA_STOP_LIMIT = 4 /* becomes a limit order then */
};
enum {
    ALPHA_DAY = 1, /* until the instrument's session closes; made while it is shut, until the next session's close */
    ALPHA_GTC = 2, /* until cancelled */
    ALPHA_IOC = 3  /* what cannot fill on arrival is cancelled */
};
enum { ALPHA_FLAT = 1, ALPHA_LENGTHEN = 2, ALPHA_SHORTEN = 3 };
enum {
    ALPHA_INTENDED = 1, /* passed the risk rules, on its way to the broker */
    ALPHA_WORKING = 2,
    ALPHA_FILLED = 3,
    ALPHA_CANCELLED = 4,
    ALPHA_REJECTED = 5, /* by the broker */
    ALPHA_EXPIRED = 6,
    ALPHA_REFUSED = 7 /* by a rule of ours: it never left */
};
enum {
    ALPHA_INTEGER = 1,
    ALPHA_DECIMAL = 2,
    ALPHA_FLAG = 3,       /* true or false */
    ALPHA_TEXT = 4,       /* single spaces, lines joined by "; " */
    ALPHA_INSTRUMENT = 5, /* the name of one of the strategy's instruments */
    /* Of the bars that are read: a duration such as 5m, or "only" where there is one alone. A scenario that says "only" where an
     * instrument is known to have bars of several is refused. */
    ALPHA_INTERVAL = 6
};

/* Both parts have the same sign: whole + fraction / 1e8. */
typedef struct alpha_money {
    int64_t whole;
    int64_t fraction;
} alpha_money;

/* ---- what the library is told ----------------------------------------------------------------------------------------- */

/* The best bid and ask. A side that is absent has price and quantity zero. */
typedef struct alpha_quote {
    uint32_t instrument;
    uint32_t reserved;
    int64_t bid;
    int64_t ask;
    int64_t bid_quantity;
    int64_t ask_quantity;
} alpha_quote;

/* A trade that was told of. A source may tell of the last one only: what was traded in between is in `volume`. */
typedef struct alpha_trade {
    uint32_t instrument;
    uint32_t reserved;
    int64_t price;
    int64_t quantity;      /* 0: not told */
    int64_t volume;        /* traded so far on the day; 0: not told. Like alpha_bar's, 92233720368.54775807 at most */
    int64_t open_interest; /* 0: not told. As above */
    int64_t exchange_time; /* on the exchange's clock; 0: not told */
} alpha_trade;

/* A bar begins; only its open is known yet. */
typedef struct alpha_bar_opened {
    uint32_t instrument;
    uint32_t reserved;
    int64_t open;
    int64_t label;    /* when the bar begins, which is now. Since place_linked, like what follows */
    int64_t interval; /* in nanoseconds: which of the instrument's bars it is one of */
} alpha_bar_opened;

/* A bar is complete. */
typedef struct alpha_bar {
    uint32_t instrument;
    uint32_t reserved;
    int64_t open;
    int64_t high;
    int64_t low;
    int64_t close;
    int64_t volume;   /* what was traded beyond 92233720368.54775807 is said as that */
    int64_t label;    /* when it began: its alpha_bar_opened has the same. Since place_linked, like what follows */
    int64_t interval; /* in nanoseconds */
} alpha_bar;

/* What became of one of the strategy's own orders. */
typedef struct alpha_order_update {
    uint64_t order;
    uint32_t status;
    uint32_t change_failed; /* 1: a cancel or modify was refused or rejected; the order stands */
    const char* rule;       /* the rule that refused it, such as "max_position"; "none" where none did */
} alpha_order_update;

/* One execution of one of the strategy's own orders. */
typedef struct alpha_fill {
    uint64_t order;
    uint32_t instrument;
    uint32_t side;
    int64_t quantity;
    int64_t price;
    alpha_money notional;
    alpha_money charges;
    alpha_money realized_pnl; /* gross */
    const char* tag;          /* what the strategy called the order; empty: nothing. Since place_linked */
} alpha_fill;

/* ---- what the library may ask. struct_size is set by who asks, before asking -------------------------------------------- */

typedef struct alpha_instrument {
    uint32_t struct_size;
    uint32_t id;
    const char* name;
    int64_t tick; /* smallest price step of an order */
    int64_t lot;  /* smallest quantity step of an order */
} alpha_instrument;

/* What is known of an instrument's market; zero until seen. */
typedef struct alpha_market {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t
        mark; /* the newest of trades, bars' opens and closes, and the middles of quotes; where trades are told of, a quote
                   * only bounds it */
    int64_t bid;
    int64_t ask;
    int64_t bid_quantity;
    int64_t ask_quantity;
} alpha_market;

/* What the strategy's portfolio holds; shared with the other strategies of that portfolio. */
typedef struct alpha_position {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t net;           /* positive long, negative short */
    int64_t average_price; /* of the open part; zero when flat */
    int64_t open_buys;     /* what working orders may still buy */
    int64_t open_sells;
    alpha_money realized_pnl; /* gross, of the parts closed so far */
} alpha_position;

/* The strategy's portfolio at the present marks: equity = cash + market value. */
typedef struct alpha_valuation {
    uint32_t struct_size;
    uint32_t reserved;
    alpha_money cash;
    alpha_money equity;
    alpha_money realized_pnl;
    alpha_money unrealized_pnl;
    alpha_money charges;
} alpha_valuation;

/* An order that is open, or was lately. */
typedef struct alpha_order {
    uint32_t struct_size;
    uint32_t status;
    uint32_t instrument;
    uint32_t side;
    uint32_t type;
    uint32_t time_in_force;
    int64_t quantity;
    int64_t filled;
    int64_t limit_price;
    int64_t stop_price;
    uint32_t reduce_only; /* 0 or 1. Since place_linked, like what follows */
    uint32_t reserved;
    uint64_t parent; /* the order that it is an exit of; 0: none */
    uint64_t group;  /* the first of the orders of which one cancels the others; 0: none */
    const char* tag;
} alpha_order;

/* An order to be placed. Prices that the type does not use are zero. */
typedef struct alpha_order_terms {
    uint32_t struct_size;
    uint32_t instrument;
    uint32_t side;
    uint32_t type;
    uint32_t time_in_force;
    uint32_t reserved;
    int64_t quantity;
    int64_t limit_price;
    int64_t stop_price;
} alpha_order_terms;

/* An order to be placed, with all that alpha knows of orders. An exit takes off what its parent has filled: it is of the other side
 * and only reduces, comes alive with its parent's fills, for as much as has filled, and ends with it where nothing has. Of a group one
 * cancels the others: a fill takes its quantity from what each of the others has left, and one that has filled whole ends them. */
typedef struct alpha_linked_order {
    uint32_t struct_size;
    uint32_t instrument; /* the same for all that are placed together */
    uint32_t side;
    uint32_t type;
    uint32_t time_in_force;
    uint32_t reduce_only; /* 1: fills only against what the portfolio holds, and is cut as that shrinks */
    int64_t quantity;
    int64_t limit_price;
    int64_t stop_price;
    uint32_t parent; /* the place, from 1, of the order before this one that it is an exit of; 0: none */
    uint32_t
        group; /* the place, from 1, of the group's first order, which says so of itself; 0: none. A group stands together */
    const char* tag; /* comes back with fills: at most ALPHA_TAG_BYTES bytes of UTF-8 that can be shown; null: none */
} alpha_linked_order;

/* A parameter as the scenario has it, checked. */
typedef struct alpha_setting {
    uint32_t struct_size;
    uint32_t kind;
    int64_t
        value; /* INTEGER: itself; DECIMAL: in 1e-8; FLAG: 0 or 1; INSTRUMENT: its id; INTERVAL: in ns, "only" is 0; TEXT: 0 */
    const char* text; /* in canonical form, whatever its kind */
} alpha_setting;

typedef struct alpha_host alpha_host;
struct alpha_host {
    uint32_t struct_size;
    uint32_t abi_version;

    /* Notes why the callback fails, and returns ALPHA_FAILED: `return host->fail(host, "why");` */
    int (*fail)(const alpha_host* host, const char* why);

    /* Always. An instrument's id stays the same for a whole session. */
    const char* (*strategy_name)(const alpha_host* host);
    int (*setting)(const alpha_host* host, const char* param, alpha_setting* out);
    uint32_t (*instrument_count)(const alpha_host* host); /* the strategy's own */
    int (*own_instrument)(const alpha_host* host, uint32_t index, alpha_instrument* out);

    /* Within callbacks (alpha_plugin::on_...). Those with `out` fail where there is no such thing. */
    int64_t (*now)(const alpha_host* host);
    int (*instrument)(const alpha_host* host, uint32_t id, alpha_instrument* out);
    int (*market)(const alpha_host* host, uint32_t instrument, alpha_market* out);
    int (*position)(const alpha_host* host, uint32_t instrument, alpha_position* out);
    int (*valuation)(const alpha_host* host, alpha_valuation* out);
    int (*order)(const alpha_host* host, uint64_t order, alpha_order* out);

    /* Within callbacks: requests. They are judged one by one after the callback has returned; on_order and on_fill tell what became
     * of them. They fail only on values that mean nothing. */
    int (*place)(const alpha_host* host, const alpha_order_terms* terms, uint64_t* order);
    int (*cancel)(const alpha_host* host, uint64_t order);
    /* `quantity` is the new total, fills included. */
    int (*modify)(const alpha_host* host, uint64_t order, int64_t quantity, int64_t limit_price, int64_t stop_price);
    /* Calls on_timer at `due`, at the earliest a millisecond from now. Setting a pending timer moves it. */
    int (*set_timer)(const alpha_host* host, uint64_t timer, int64_t due);
    int (*cancel_timer)(const alpha_host* host, uint64_t timer);
    int (*signal)(const alpha_host* host, uint32_t instrument, uint32_t direction);

    /* Within alpha_plugin::save: appends to what is kept. */
    int (*write)(const alpha_host* host, const void* bytes, size_t size);

    /* ---- what came later: a library built with this header is only loaded by a host that has it ---- */

    /* Within callbacks: a request. Places `count` orders, from 1 to ALPHA_LINKED_ORDERS, all or none of them; their numbers follow
     * `first`. One alone is an order like any other, with a tag or one that only reduces. */
    int (*place_linked)(const alpha_host* host, const alpha_linked_order* orders, uint32_t count, uint64_t* first);
};

/* ---- what the library is ----------------------------------------------------------------------------------------------- */

/* A parameter that a scenario may set. Texts are UTF-8; numbers are written in decimals with at most eight places, from
 * -10000000000 to 10000000000. */
typedef struct alpha_param {
    const char* name;
    uint32_t kind;
    uint32_t reserved;
    const char* doc;           /* what it means, in a few words */
    const char* default_value; /* null: the scenario must give it. An INSTRUMENT has none */
    const char* minimum;       /* inclusive; null: none. INTEGER and DECIMAL only */
    const char* maximum;
} alpha_param;

typedef struct alpha_plugin {
    uint32_t struct_size;
    uint32_t abi_version;
    const char* name;    /* what scenarios write after `use:`; no strategy of alpha's own has it */
    const char* summary; /* what it does, in a line */
    const alpha_param* params;
    uint32_t param_count;
    uint32_t param_size; /* sizeof(alpha_param), as the library knows it */

    /* Makes one; its parameters are the host's settings. May fail, which refuses the scenario with the text given to
     * alpha_host::fail. Called more than once for a strategy of a scenario: what is made must depend on nothing else. */
    int (*create)(const alpha_host* host, void** self);
    void (*destroy)(void* self);

    /* Callbacks; null: not wanted. One of on_quote, on_trade, on_bar_opened and on_bar is. */
    int (*on_quote)(void* self, const alpha_host* host, const alpha_quote* quote);
    int (*on_bar_opened)(void* self, const alpha_host* host, const alpha_bar_opened* bar);
    int (*on_bar)(void* self, const alpha_host* host, const alpha_bar* bar);
    int (*on_timer)(void* self, const alpha_host* host, uint64_t timer);
    int (*on_order)(void* self, const alpha_host* host, const alpha_order_update* update);
    int (*on_fill)(void* self, const alpha_host* host, const alpha_fill* fill);

    /* What future decisions depend on, in bytes of the library's own; both or neither. `load` is given what `save` wrote, on a
     * strategy just made, and fails on anything else. Without them a session that is taken up decides everything anew, from its
     * first event. */
    int (*save)(void* self, const alpha_host* host);
    int (*load)(void* self, const alpha_host* host, const void* bytes, size_t size);

    /* ---- what came later: a host that does not know it refuses a library that has one of these ---- */

    int (*on_trade)(void* self, const alpha_host* host, const alpha_trade* trade);
} alpha_plugin;

/* The library's one exported function. Null when it cannot work with a host of that version and table. */
ALPHA_PLUGIN_EXPORT const alpha_plugin* alpha_plugin_entry(uint32_t host_abi_version, uint32_t host_struct_size);

#ifdef __cplusplus
}
#endif

#endif
