#include "adapters/zerodha/kite_words.hpp"

namespace alpha::kite {

const char* text_of(Product product) {
    switch (product) {
    case Product::cnc: return "CNC";
    case Product::mis: return "MIS";
    case Product::nrml: return "NRML";
    case Product::mtf: return "MTF";
    }
    return "";
}

const char* text_of(OrderType type) {
    switch (type) {
    case OrderType::market: return "MARKET";
    case OrderType::limit: return "LIMIT";
    case OrderType::sl: return "SL";
    case OrderType::sl_m: return "SL-M";
    }
    return "";
}

const char* text_of(Variety variety) {
    switch (variety) {
    case Variety::regular: return "regular";
    case Variety::amo: return "amo";
    case Variety::co: return "co";
    case Variety::iceberg: return "iceberg";
    case Variety::auction: return "auction";
    }
    return "";
}

const char* text_of(Validity validity) {
    switch (validity) {
    case Validity::day: return "DAY";
    case Validity::ioc: return "IOC";
    case Validity::ttl: return "TTL";
    }
    return "";
}

const char* text_of(Status status) {
    switch (status) {
    case Status::put_order_req_received: return "PUT ORDER REQ RECEIVED";
    case Status::validation_pending: return "VALIDATION PENDING";
    case Status::open_pending: return "OPEN PENDING";
    case Status::open: return "OPEN";
    case Status::trigger_pending: return "TRIGGER PENDING";
    case Status::modify_validation_pending: return "MODIFY VALIDATION PENDING";
    case Status::modify_pending: return "MODIFY PENDING";
    case Status::modified: return "MODIFIED";
    case Status::not_modified: return "NOT MODIFIED";
    case Status::cancel_pending: return "CANCEL PENDING";
    case Status::complete: return "COMPLETE";
    case Status::cancelled: return "CANCELLED";
    case Status::rejected: return "REJECTED";
    }
    return "";
}

const char* text_of(Side side) {
    return side == Side::buy ? "BUY" : "SELL";
}

}  // namespace alpha::kite
