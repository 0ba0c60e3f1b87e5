#include "events/text.hpp"
#include "tests/events/support.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace alpha;

namespace {

struct Lines {
    const char* text;
    const char* json;
};

// clang-format off
const Lines kLines[] = {
    {
     R"(0 2024-03-28T03:45:00.072Z session_configured rules=3 name=ema-cross currency=INR instruments=[{)"
     R"("name":"NSE:INFY","tick":"0.05","lot":"1","utc_offset_s":19800,"open_s":33300,"close_s":55800,"c)"
     R"(alendar":"NSE_EQ_CAS","exchange":"NSE","kind":"put","group":"equity_fund","isin":"INE009A01021",)"
     R"("underlying":"NSE:NIFTY 50","multiplier":10,"freeze":"1800","strike":"1500.5","expiry":"2026-11-)"
     R"(24","is_delivered":true},{"name":"IBM","tick":"0.01","lot":"10","utc_offset_s":0,"open_s":0,"clo)"
     R"(se_s":86400,"calendar":"","exchange":"","kind":"share","group":"","isin":"","underlying":"","mul)"
     R"(tiplier":1,"freeze":"0","strike":"0","expiry":null,"is_delivered":false}] default_instrument={"n)"
     R"(ame":"","tick":"0.01","lot":"1","utc_offset_s":0,"open_s":0,"close_s":86400,"calendar":"","excha)"
     R"(nge":"","kind":"share","group":"","isin":"","underlying":"","multiplier":1,"freeze":"0","strike")"
     R"(:"0","expiry":null,"is_delivered":false} portfolios=[{"name":"main","cash":"1000000"},{"name":"h)"
     R"(edge","cash":"250000.5"}] brokers=[{"name":"paper","kind":"paper","settings":[{"key":"fill","val)"
     R"(ue":"touch"},{"key":"latency","value":"0s"}]}] strategies=[{"name":"cross","use":"ema_cross","po)"
     R"(rtfolio":"hedge","broker":"paper","instruments":["NSE:INFY","IBM"],"params":[{"key":"fast","valu)"
     R"(e":"100"},{"key":"slow","value":"1000"}],"product":"mis"}] risk=[{"rule":"order_quantity","limit)"
     R"(":"10000"},{"rule":"daily_loss","limit":"0.5"}] allowed_instruments=["IBM"] charges={"per_fill":)"
     R"("20","rate":"0.0003"} snapshot_interval_ns=5m daily_loss_latch_ends=released)",
     R"({"seq":0,"ts_ns":"1711597500072000000","type":"session_configured","rules":3,"name":"ema-cross",)"
     R"("currency":"INR","instruments":[{"name":"NSE:INFY","tick":"0.05","lot":"1","utc_offset_s":19800,)"
     R"("open_s":33300,"close_s":55800,"calendar":"NSE_EQ_CAS","exchange":"NSE","kind":"put","group":"eq)"
     R"(uity_fund","isin":"INE009A01021","underlying":"NSE:NIFTY 50","multiplier":10,"freeze":"1800","st)"
     R"(rike":"1500.5","expiry":"2026-11-24","is_delivered":true},{"name":"IBM","tick":"0.01","lot":"10")"
     R"(,"utc_offset_s":0,"open_s":0,"close_s":86400,"calendar":"","exchange":"","kind":"share","group":)"
     R"("","isin":"","underlying":"","multiplier":1,"freeze":"0","strike":"0","expiry":null,"is_delivere)"
     R"(d":false}],"default_instrument":{"name":"","tick":"0.01","lot":"1","utc_offset_s":0,"open_s":0,")"
     R"(close_s":86400,"calendar":"","exchange":"","kind":"share","group":"","isin":"","underlying":"",")"
     R"(multiplier":1,"freeze":"0","strike":"0","expiry":null,"is_delivered":false},"portfolios":[{"name)"
     R"(":"main","cash":"1000000"},{"name":"hedge","cash":"250000.5"}],"brokers":[{"name":"paper","kind")"
     R"(:"paper","settings":[{"key":"fill","value":"touch"},{"key":"latency","value":"0s"}]}],"strategie)"
     R"(s":[{"name":"cross","use":"ema_cross","portfolio":"hedge","broker":"paper","instruments":["NSE:I)"
     R"(NFY","IBM"],"params":[{"key":"fast","value":"100"},{"key":"slow","value":"1000"}],"product":"mis)"
     R"("}],"risk":[{"rule":"order_quantity","limit":"10000"},{"rule":"daily_loss","limit":"0.5"}],"allo)"
     R"(wed_instruments":["IBM"],"charges":{"per_fill":"20","rate":"0.0003"},"snapshot_interval_ns":"300)"
     R"(000000000","daily_loss_latch_ends":"released"})"
    },
    {
     R"(7 2024-03-28T03:45:00.072Z instrument_listed instrument=#2 definition={"name":"NSE:TCS","tick":")"
     R"(0.05","lot":"5","utc_offset_s":19800,"open_s":33300,"close_s":55800,"calendar":"","exchange":"",)"
     R"("kind":"share","group":"","isin":"","underlying":"","multiplier":1,"freeze":"0","strike":"0","ex)"
     R"(piry":null,"is_delivered":false})",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"instrument_listed","instrument":"#2","definition")"
     R"(:{"name":"NSE:TCS","tick":"0.05","lot":"5","utc_offset_s":19800,"open_s":33300,"close_s":55800,")"
     R"(calendar":"","exchange":"","kind":"share","group":"","isin":"","underlying":"","multiplier":1,"f)"
     R"(reeze":"0","strike":"0","expiry":null,"is_delivered":false}})"
    },
    {
     R"(7 2024-03-28T03:45:00.072Z quote instrument=IBM bid=181.69 ask=181.9 bid_qty=200 ask_qty=100)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"quote","instrument":"IBM","bid":"181.69","ask":"1)"
     R"(81.9","bid_qty":"200","ask_qty":"100"})"
    },
    {
     R"(7 2024-03-28T03:45:00.072Z bar_opened instrument=IBM open=181.69 label=2024-03-28T03:45:00.072Z )"
     R"(interval_ns=1m)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"bar_opened","instrument":"IBM","open":"181.69","l)"
     R"(abel":"1711597500072000000","interval_ns":"60000000000"})"
    },
    {
     R"(7 2024-03-28T03:45:00.072Z bar_closed instrument=IBM open=181.69 high=183 low=180.00000001 close)"
     R"(=182.5 volume=1234567 label=2024-03-28T03:44:00.072Z interval_ns=1m)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"bar_closed","instrument":"IBM","open":"181.69","h)"
     R"(igh":"183","low":"180.00000001","close":"182.5","volume":"1234567","label":"1711597440072000000")"
     R"(,"interval_ns":"60000000000"})"
    },
    {
     R"(7 2024-03-28T03:45:00.072Z session_opened instrument=IBM date=2024-03-28)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"session_opened","instrument":"IBM","date":"2024-0)"
     R"(3-28"})"
    },
    {
     R"(7 2024-03-28T03:45:00.072Z session_closed instrument=IBM date=2024-03-28)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"session_closed","instrument":"IBM","date":"2024-0)"
     R"(3-28"})"
    },
    {
     R"(7 2024-03-28T03:45:00.072Z timer_fired strategy=cross timer=9)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"timer_fired","strategy":"cross","timer":9})"
    },
    {
     R"(7 2024-03-28T03:45:00.072Z pnl_snapshot portfolio=hedge cash=999000.25 market_value=1500 equity=)"
     R"(1000500.25 realized_pnl=-20 unrealized_pnl=540.25 charges=20 gross_exposure=1500.5 open_orders=3)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"pnl_snapshot","portfolio":"hedge","cash":"999000.)"
     R"(25","market_value":"1500","equity":"1000500.25","realized_pnl":"-20","unrealized_pnl":"540.25",")"
     R"(charges":"20","gross_exposure":"1500.5","open_orders":3})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z portfolio_opened portfolio=hedge cash=250000.5 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"portfolio_opened","cause":7,"root":3,"portfolio":)"
     R"("hedge","cash":"250000.5"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z signal strategy=cross instrument=IBM direction=short cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"signal","cause":7,"root":3,"strategy":"cross","in)"
     R"(strument":"IBM","direction":"short"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z order_intended order=42 strategy=cross portfolio=hedge broker=paper i)"
     R"(nstrument=IBM side=sell order_type=stop_limit tif=day quantity=100 limit_price=181.69 stop_price)"
     R"(=182.5 reduce_only=true parent=40 group=41 legs=2 tag=exit product=nrml good_until=2024-03-28 va)"
     R"(lued_at=181.75 held=true cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"order_intended","cause":7,"root":3,"order":42,"st)"
     R"(rategy":"cross","portfolio":"hedge","broker":"paper","instrument":"IBM","side":"sell","order_typ)"
     R"(e":"stop_limit","tif":"day","quantity":"100","limit_price":"181.69","stop_price":"182.5","reduce)"
     R"(_only":true,"parent":40,"group":41,"legs":2,"tag":"exit","product":"nrml","good_until":"2024-03-)"
     R"(28","valued_at":"181.75","held":true})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z order_refused order=42 strategy=cross portfolio=hedge instrument=IBM )"
     R"(side=sell order_type=stop_limit tif=day quantity=100 limit_price=181.69 stop_price=182.5 reduce_)"
     R"(only=true parent=40 group=41 legs=2 tag=exit product=nrml rule=price_band limit=5 observed=7.25 )"
     R"(cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"order_refused","cause":7,"root":3,"order":42,"str)"
     R"(ategy":"cross","portfolio":"hedge","instrument":"IBM","side":"sell","order_type":"stop_limit","t)"
     R"(if":"day","quantity":"100","limit_price":"181.69","stop_price":"182.5","reduce_only":true,"paren)"
     R"(t":40,"group":41,"legs":2,"tag":"exit","product":"nrml","rule":"price_band","limit":"5","observe)"
     R"(d":"7.25"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z cancel_intended order=42 rule=kill_switch cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"cancel_intended","cause":7,"root":3,"order":42,"r)"
     R"(ule":"kill_switch"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z modify_intended order=42 quantity=150 limit_price=181.7 stop_price=18)"
     R"(2.6 reduce_only=true rule=linked_fill valued_at=181.75 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"modify_intended","cause":7,"root":3,"order":42,"q)"
     R"(uantity":"150","limit_price":"181.7","stop_price":"182.6","reduce_only":true,"rule":"linked_fill)"
     R"(","valued_at":"181.75"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z change_refused order=42 strategy=cross rule=not_open limit=1 observed)"
     R"(=2 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"change_refused","cause":7,"root":3,"order":42,"st)"
     R"(rategy":"cross","rule":"not_open","limit":"1","observed":"2"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z timer_set strategy=cross timer=9 due=2024-03-28T03:46:00Z cause=7 roo)"
     R"(t=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"timer_set","cause":7,"root":3,"strategy":"cross",)"
     R"("timer":9,"due":"1711597560000000000"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z timer_cancelled strategy=cross timer=9 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"timer_cancelled","cause":7,"root":3,"strategy":"c)"
     R"(ross","timer":9})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z kill_switch_latched portfolio=hedge rule=daily_loss limit=1000 observ)"
     R"(ed=1000.00000001 scope=entries cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"kill_switch_latched","cause":7,"root":3,"portfoli)"
     R"(o":"hedge","rule":"daily_loss","limit":"1000","observed":"1000.00000001","scope":"entries"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z kill_switch_released portfolio=hedge cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"kill_switch_released","cause":7,"root":3,"portfol)"
     R"(io":"hedge"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z strategy_halted strategy=cross reason="it threw \"no\"" cause=7 root=)"
     R"(3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"strategy_halted","cause":7,"root":3,"strategy":"c)"
     R"(ross","reason":"it threw \"no\""})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z order_accepted order=42 broker_order=240328000012345 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"order_accepted","cause":7,"root":3,"order":42,"br)"
     R"(oker_order":"240328000012345"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z order_rejected order=42 reason="margin of 12.50 is short" cause=7 roo)"
     R"(t=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"order_rejected","cause":7,"root":3,"order":42,"re)"
     R"(ason":"margin of 12.50 is short"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z order_triggered order=42 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"order_triggered","cause":7,"root":3,"order":42})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z order_filled order=42 strategy=cross portfolio=hedge instrument=IBM s)"
     R"(ide=sell quantity=40 price=182.5 notional=7300 charges=22.19 realized_pnl=-12.5 trade=T1 tag=exi)"
     R"(t product=cnc charge_lines=[{"line":"stt","amount":"7.3"},{"line":"gst","amount":"14.89"}] settl)"
     R"(es=2024-03-31 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"order_filled","cause":7,"root":3,"order":42,"stra)"
     R"(tegy":"cross","portfolio":"hedge","instrument":"IBM","side":"sell","quantity":"40","price":"182.)"
     R"(5","notional":"7300","charges":"22.19","realized_pnl":"-12.5","trade":"T1","tag":"exit","product)"
     R"(":"cnc","charge_lines":[{"line":"stt","amount":"7.3"},{"line":"gst","amount":"14.89"}],"settles")"
     R"(:"2024-03-31"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z order_cancelled order=42 reason=ioc cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"order_cancelled","cause":7,"root":3,"order":42,"r)"
     R"(eason":"ioc"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z order_expired order=42 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"order_expired","cause":7,"root":3,"order":42})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z order_modified order=42 quantity=150 limit_price=181.7 stop_price=182)"
     R"(.6 reduce_only=true rule=linked_fill cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"order_modified","cause":7,"root":3,"order":42,"qu)"
     R"(antity":"150","limit_price":"181.7","stop_price":"182.6","reduce_only":true,"rule":"linked_fill")"
     R"(})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z change_rejected order=42 kind=modify_rejected reason="already filled")"
     R"( cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"change_rejected","cause":7,"root":3,"order":42,"k)"
     R"(ind":"modify_rejected","reason":"already filled"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z report_ignored order=42 kind=filled quantity=40 price=182.5 limit_pri)"
     R"(ce=181.69 stop_price=183 trade=T1 text=240328000012345 why="duplicate trade" cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"report_ignored","cause":7,"root":3,"order":42,"ki)"
     R"(nd":"filled","quantity":"40","price":"182.5","limit_price":"181.69","stop_price":"183","trade":")"
     R"(T1","text":"240328000012345","why":"duplicate trade"})"
    },
    {
     R"(7 2024-03-28T03:45:00.072Z session_reconfigured rules=3 name=ema-cross currency=INR instruments=)"
     R"([{"name":"NSE:INFY","tick":"0.05","lot":"1","utc_offset_s":19800,"open_s":33300,"close_s":55800,)"
     R"("calendar":"NSE_EQ_CAS","exchange":"NSE","kind":"put","group":"equity_fund","isin":"INE009A01021)"
     R"(","underlying":"NSE:NIFTY 50","multiplier":10,"freeze":"1800","strike":"1500.5","expiry":"2026-1)"
     R"(1-24","is_delivered":true},{"name":"IBM","tick":"0.01","lot":"10","utc_offset_s":0,"open_s":0,"c)"
     R"(lose_s":86400,"calendar":"","exchange":"","kind":"share","group":"","isin":"","underlying":"","m)"
     R"(ultiplier":1,"freeze":"0","strike":"0","expiry":null,"is_delivered":false}] default_instrument={)"
     R"("name":"","tick":"0.01","lot":"1","utc_offset_s":0,"open_s":0,"close_s":86400,"calendar":"","exc)"
     R"(hange":"","kind":"share","group":"","isin":"","underlying":"","multiplier":1,"freeze":"0","strik)"
     R"(e":"0","expiry":null,"is_delivered":false} portfolios=[{"name":"main","cash":"1000000"},{"name":)"
     R"("hedge","cash":"250000.5"}] brokers=[{"name":"paper","kind":"paper","settings":[{"key":"fill","v)"
     R"(alue":"touch"},{"key":"latency","value":"0s"}]}] strategies=[{"name":"cross","use":"ema_cross",")"
     R"(portfolio":"hedge","broker":"paper","instruments":["NSE:INFY","IBM"],"params":[{"key":"fast","va)"
     R"(lue":"100"},{"key":"slow","value":"1000"}],"product":"mis"}] risk=[{"rule":"order_quantity","lim)"
     R"(it":"10000"},{"rule":"daily_loss","limit":"0.5"}] allowed_instruments=["IBM"] charges={"per_fill)"
     R"(":"20","rate":"0.0003"} snapshot_interval_ns=5m daily_loss_latch_ends=released)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"session_reconfigured","rules":3,"name":"ema-cross)"
     R"(","currency":"INR","instruments":[{"name":"NSE:INFY","tick":"0.05","lot":"1","utc_offset_s":1980)"
     R"(0,"open_s":33300,"close_s":55800,"calendar":"NSE_EQ_CAS","exchange":"NSE","kind":"put","group":")"
     R"(equity_fund","isin":"INE009A01021","underlying":"NSE:NIFTY 50","multiplier":10,"freeze":"1800",")"
     R"(strike":"1500.5","expiry":"2026-11-24","is_delivered":true},{"name":"IBM","tick":"0.01","lot":"1)"
     R"(0","utc_offset_s":0,"open_s":0,"close_s":86400,"calendar":"","exchange":"","kind":"share","group)"
     R"(":"","isin":"","underlying":"","multiplier":1,"freeze":"0","strike":"0","expiry":null,"is_delive)"
     R"(red":false}],"default_instrument":{"name":"","tick":"0.01","lot":"1","utc_offset_s":0,"open_s":0)"
     R"(,"close_s":86400,"calendar":"","exchange":"","kind":"share","group":"","isin":"","underlying":"")"
     R"(,"multiplier":1,"freeze":"0","strike":"0","expiry":null,"is_delivered":false},"portfolios":[{"na)"
     R"(me":"main","cash":"1000000"},{"name":"hedge","cash":"250000.5"}],"brokers":[{"name":"paper","kin)"
     R"(d":"paper","settings":[{"key":"fill","value":"touch"},{"key":"latency","value":"0s"}]}],"strateg)"
     R"(ies":[{"name":"cross","use":"ema_cross","portfolio":"hedge","broker":"paper","instruments":["NSE)"
     R"(:INFY","IBM"],"params":[{"key":"fast","value":"100"},{"key":"slow","value":"1000"}],"product":"m)"
     R"(is"}],"risk":[{"rule":"order_quantity","limit":"10000"},{"rule":"daily_loss","limit":"0.5"}],"al)"
     R"(lowed_instruments":["IBM"],"charges":{"per_fill":"20","rate":"0.0003"},"snapshot_interval_ns":"3)"
     R"(00000000000","daily_loss_latch_ends":"released"})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z order_released order=42 quantity=40 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"order_released","cause":7,"root":3,"order":42,"qu)"
     R"(antity":"40"})"
    },
    {
     R"(7 2024-03-28T03:45:00.072Z strategy_resumed strategy=cross)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"strategy_resumed","strategy":"cross"})"
    },
    {
     R"(7 2024-03-28T03:45:00.072Z market_rules_set rules={strict, calendar NSE_EQ of 1 and 1 rows, char)"
     R"(ges zerodha of 1 rows})",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"market_rules_set","rules":{"unknown_days":"strict)"
     R"(","calendars":[{"table":{"name":"NSE_EQ","zone":"Asia/Kolkata","trading_known":[{"from":"2020-01)"
     R"(-01","to":"2026-12-31","source":{"text":"NSE/CMTR/73362","grade":"official"}}],"settlement_known)"
     R"(":[{"from":"2023-01-01","to":"2026-12-31","source":{"text":"NSE/CMTR/73362","grade":"official"}})"
     R"(],"sessions":[{"set":"regular","weekdays":31,"from":"2026-08-03","to":"#2147483647","phase":"clo)"
     R"(sing_entry","open_s":55200,"close_s":55500,"ends_from_s":55440,"source":{"text":"NSE/CMTR/73362")"
     R"(,"grade":"official"}}],"days":[{"date":"2026-11-10","kind":"special","set":"muhurat","settles":f)"
     R"(alse,"name":"Diwali","source":{"text":"NSE/CMTR/73362","grade":"official"}}]},"zone":{"name":"As)"
     R"(ia/Kolkata","changes":[{"from_ns":"-9223372036854775808","offset_s":21208},{"from_ns":"-20197056)"
     R"(70000000000","offset_s":19800}]}}],"charges":{"name":"zerodha","rows":[{"line":"stt","shown":"ct)"
     R"(t","exchange":"NSE","segment":"options","group":"ordinary","product":"intraday","side":"sell","l)"
     R"(iquidity":null,"base":"premium","rate_e14":150000000000,"amount":"20","minimum":"0.01","maximum")"
     R"(:"40","maximum_rate_e14":2500000000000,"rounding":"rupee","in_gst_base":true,"column":"NSE","fro)"
     R"(m":"2026-04-01","to":"2026-12-31","source":{"text":"NSE/CMTR/73362","grade":"official"},"doubt":)"
     R"("who knows","line_number":17}]}}})"
    },
    {
     R"(7 2024-03-28T03:45:00.072Z instrument_changed instrument=NSE:INFY definition={"name":"NSE:INFY",)"
     R"("tick":"0.05","lot":"1","utc_offset_s":19800,"open_s":33300,"close_s":55800,"calendar":"NSE_EQ_C)"
     R"(AS","exchange":"NSE","kind":"put","group":"equity_fund","isin":"INE009A01021","underlying":"NSE:)"
     R"(NIFTY 50","multiplier":10,"freeze":"1800","strike":"1500.5","expiry":"2026-11-24","is_delivered")"
     R"(:true})",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"instrument_changed","instrument":"NSE:INFY","defi)"
     R"(nition":{"name":"NSE:INFY","tick":"0.05","lot":"1","utc_offset_s":19800,"open_s":33300,"close_s")"
     R"(:55800,"calendar":"NSE_EQ_CAS","exchange":"NSE","kind":"put","group":"equity_fund","isin":"INE00)"
     R"(9A01021","underlying":"NSE:NIFTY 50","multiplier":10,"freeze":"1800","strike":"1500.5","expiry":)"
     R"("2026-11-24","is_delivered":true}})"
    },
    {
     R"(8 2024-03-28T03:45:00.072Z charges_booked portfolio=hedge date=2024-03-28 charge_lines=[{"line":)"
     R"("stt","amount":"-0.3"}] charges=-0.3 problem=why cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"charges_booked","cause":7,"root":3,"portfolio":"h)"
     R"(edge","date":"2024-03-28","charge_lines":[{"line":"stt","amount":"-0.3"}],"charges":"-0.3","prob)"
     R"(lem":"why"})"
    },
    {
     R"(7 2024-03-28T03:45:00.072Z product_rules_set rules={products zerodha of 1 rows})",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"product_rules_set","rules":{"name":"zerodha","row)"
     R"(s":[{"product":"mis","exchange":"NSE","shorts":true,"square_off_s":600,"delivery_days":1,"sells_)"
     R"(unarrived":true,"from":"2026-04-01","to":"2026-12-31","source":{"text":"Zerodha's page","grade":)"
     R"("broker"},"doubt":"who knows","line_number":17}]}})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z square_off_begun instrument=IBM date=2024-03-28)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"square_off_begun","instrument":"IBM","date":"2024)"
     R"(-03-28"})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z corporate_action instrument=IBM kind=demerger ex_date=2024-03-29 new_)"
     R"(shares=3 old_shares=2 amount=0.47 fraction_price=12.5 other=NSE:INFY cost_part=0.25 source={"tex)"
     R"(t":"IBM's notice","grade":"exchange"})",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"corporate_action","instrument":"IBM","kind":"deme)"
     R"(rger","ex_date":"2024-03-29","new_shares":3,"old_shares":2,"amount":"0.47","fraction_price":"12.)"
     R"(5","other":"NSE:INFY","cost_part":"0.25","source":{"text":"IBM's notice","grade":"exchange"}})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z position_adjusted portfolio=hedge instrument=IBM product=cnc kind=spl)"
     R"(it quantity=-150 cost=-1500 fraction=1 cash=-9.5 realized_pnl=0.5 equity_change=0.25 cause=7 roo)"
     R"(t=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"position_adjusted","cause":7,"root":3,"portfolio")"
     R"(:"hedge","instrument":"IBM","product":"cnc","kind":"split","quantity":"-150","cost":"-1500","fra)"
     R"(ction":"1","cash":"-9.5","realized_pnl":"0.5","equity_change":"0.25"})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z order_adjusted order=42 quantity=300 filled=120 limit_price=90.85 sto)"
     R"(p_price=91.25 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"order_adjusted","cause":7,"root":3,"order":42,"qu)"
     R"(antity":"300","filled":"120","limit_price":"90.85","stop_price":"91.25"})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z settlement_price instrument=IBM date=2024-03-28 price=-37.63)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"settlement_price","instrument":"IBM","date":"2024)"
     R"(-03-28","price":"-37.63"})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z contract_expired instrument=IBM date=2024-03-28)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"contract_expired","instrument":"IBM","date":"2024)"
     R"(-03-28"})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z position_settled portfolio=hedge instrument=IBM product=nrml kind=exe)"
     R"(rcised date=2024-03-28 price=12.5 settled=-75 quantity=25 cost=250 cash=-937.5 realized_pnl=62.5)"
     R"( charges=1.18 charge_lines=[{"line":"stt","amount":"1.18"}] equity_change=-3.5 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"position_settled","cause":7,"root":3,"portfolio":)"
     R"("hedge","instrument":"IBM","product":"nrml","kind":"exercised","date":"2024-03-28","price":"12.5)"
     R"(","settled":"-75","quantity":"25","cost":"250","cash":"-937.5","realized_pnl":"62.5","charges":")"
     R"(1.18","charge_lines":[{"line":"stt","amount":"1.18"}],"equity_change":"-3.5"})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z margin_rules_set rules={margins zerodha of 1 rows})",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"margin_rules_set","rules":{"name":"zerodha")"
     R"(,"rows":[{"product":"nrml","exchange":"NFO","kind":"option","underlying":"NIFTY","rate":"0)"
     R"(.1","exposure":"0.02","expiry_exposure":"0.03","spread":"0.0175","from":"2024-11-20","to":)"
     R"("2026-12-31","source":{"text":"a circular","grade":"official"},"doubt":"perhaps","line_num)"
     R"(ber":9}]}})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z trade instrument=IBM price=181.75 quantity=40 volume=1234567 open_int)"
     R"(erest=4500 exchange_time=2024-03-28T03:44:59Z)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"trade","instrument":"IBM","price":"181.75","quant)"
     R"(ity":"40","volume":"1234567","open_interest":"4500","exchange_time":"1711597499000000000"})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z broker_rules_set broker=paper log_number=123456789 reads=4 reads_to_a)"
     R"(sk=5 ask_after=90s seen_after=6s clock_off=7s places_most=2 cancels_most=8 market_age=1s order_a)"
     R"(ge=9s market_rest=11s backlog=300 modifications=24 needs_product=false)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"broker_rules_set","broker":"paper","log_number":1)"
     R"(23456789,"reads":4,"reads_to_ask":5,"ask_after":"90000000000","seen_after":"6000000000","clock_o)"
     R"(ff":"7000000000","places_most":2,"cancels_most":8,"market_age":"1000000000","order_age":"9000000)"
     R"(000","market_rest":"11000000000","backlog":300,"modifications":24,"needs_product":false})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z broker_session_changed broker=paper change=login_needed account=01234)"
     R"(56789abcdef reason="the token is over")",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"broker_session_changed","broker":"paper","change")"
     R"(:"login_needed","account":"0123456789abcdef","reason":"the token is over"})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z send_started order=42 what=place attempt=2 tag=A0123456000000042XYZ c)"
     R"(ause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"send_started","cause":7,"root":3,"order":42,"what)"
     R"(":"place","attempt":2,"broker_order":"","tag":"A0123456000000042XYZ"})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z send_ended order=42 what=modify attempt=3 outcome=doubtful broker_ord)"
     R"(er=240328000012345 http=429 error_type=NetworkException text="too many requests" evidence=fedcba)"
     R"(9876543210 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"send_ended","cause":7,"root":3,"order":42,"what":)"
     R"("modify","attempt":3,"outcome":"doubtful","broker_order":"240328000012345","http":429,"error_typ)"
     R"(e":"NetworkException","text":"too many requests","evidence":"fedcba9876543210"})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z broker_order_seen broker=paper broker_order=240328000012345 tag=A0123)"
     R"(456000000042XYZ instrument=IBM side=sell product=mis quantity=100 filled=40 limit_price=181.65 s)"
     R"(top_price=182.5 status=trigger_pending raw_status="NEW WORD" text="waits for its trigger" placed)"
     R"(_at=2024-03-28T03:44:58Z evidence=fedcba9876543210 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"broker_order_seen","cause":7,"root":3,"broker":"p)"
     R"(aper","broker_order":"240328000012345","tag":"A0123456000000042XYZ","instrument":"IBM","side":"s)"
     R"(ell","product":"mis","quantity":"100","filled":"40","limit_price":"181.65","stop_price":"182.5",)"
     R"("status":"trigger_pending","raw_status":"NEW WORD","text":"waits for its trigger","placed_at":"1)"
     R"(711597498000000000","evidence":"fedcba9876543210"})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z broker_trade_seen broker=paper broker_order=240328000012345 exchange=)"
     R"(NSE trade=T77 instrument=IBM side=sell product=mis quantity=40 price=181.65 day=2024-03-28 trade)"
     R"(d_at=2024-03-28T03:44:59Z evidence=fedcba9876543210 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"broker_trade_seen","cause":7,"root":3,"broker":"p)"
     R"(aper","broker_order":"240328000012345","exchange":"NSE","trade":"T77","instrument":"IBM","side":)"
     R"("sell","product":"mis","quantity":"40","price":"181.65","day":"2024-03-28","traded_at":"17115974)"
     R"(99000000000","evidence":"fedcba9876543210"})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z book_read broker=paper begun_at=2024-03-28T03:44:59.500Z day=2024-03-)"
     R"(28 orders=12 trades=7 with_account=true is_final=true positions_agree=true)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"book_read","broker":"paper","begun_at":"171159749)"
     R"(9500000000","day":"2024-03-28","orders":12,"trades":7,"with_account":true,"is_final":true,"posit)"
     R"(ions_agree":true})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z order_resolved order=42 how=placed broker_order=240328000012345 by=me)"
     R"(era why="seen in the app")",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"order_resolved","order":42,"how":"placed","broker)"
     R"(_order":"240328000012345","by":"meera","why":"seen in the app"})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z account_read broker=paper kind=holding instrument=IBM product=cnc qua)"
     R"(ntity=-25 average=181.5 day=2024-03-28 symbol=NSE:IBM evidence=fedcba9876543210)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"account_read","broker":"paper","kind":"holding",")"
     R"(instrument":"IBM","product":"cnc","quantity":"-25","average":"181.5","day":"2024-03-28","symbol")"
     R"(:"NSE:IBM","evidence":"fedcba9876543210"})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z funds_read broker=paper available=1250000.5 used=-3.25 opening=130000)"
     R"(0)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"funds_read","broker":"paper","available":"1250000)"
     R"(.5","used":"-3.25","opening":"1300000"})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z outside_assigned portfolio=hedge broker=paper instrument=IBM product=)"
     R"(cnc quantity=-25 price=181.5 by=meera why="sold in the app")",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"outside_assigned","portfolio":"hedge","broker":"p)"
     R"(aper","instrument":"IBM","product":"cnc","quantity":"-25","price":"181.5","by":"meera","why":"so)"
     R"(ld in the app"})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z instrument_thawed broker=paper instrument=IBM by=meera why="a bonus")",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"instrument_thawed","broker":"paper","instrument":)"
     R"("IBM","by":"meera","why":"a bonus"})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z order_overdue order=42)",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"order_overdue","order":42})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z outcome_unknown order=42 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"outcome_unknown","cause":7,"root":3,"order":42})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z outcome_stale order=42 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"outcome_stale","cause":7,"root":3,"order":42})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z order_revived order=42 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"order_revived","cause":7,"root":3,"order":42})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z order_conflict order=42 text="the broker has it twice, as 1 and 2" ca)"
     R"(use=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"order_conflict","cause":7,"root":3,"order":42,"te)"
     R"(xt":"the broker has it twice, as 1 and 2"})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z outside_filled broker=paper broker_order=240328000099999 exchange=NSE)"
     R"( trade=T78 instrument=IBM side=sell product=mis quantity=25 price=181.7 leaves=true freezes=true)"
     R"( cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"outside_filled","cause":7,"root":3,"broker":"pape)"
     R"(r","broker_order":"240328000099999","exchange":"NSE","trade":"T78","instrument":"IBM","side":"se)"
     R"(ll","product":"mis","quantity":"25","price":"181.7","leaves":true,"freezes":true})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z reconciliation_differs broker=paper what=position action=frozen order)"
     R"(=42 instrument=IBM product=cnc ours=100 theirs=75 text="the account holds another quantity" caus)"
     R"(e=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"reconciliation_differs","cause":7,"root":3,"broke)"
     R"(r":"paper","what":"position","action":"frozen","order":42,"instrument":"IBM","product":"cnc","ou)"
     R"(rs":"100","theirs":"75","text":"the account holds another quantity"})",
    },
    {
     R"(8 2024-03-28T03:45:00.072Z reconciled broker=paper differences=3 cause=7 root=3)",
     R"({"seq":8,"ts_ns":"1711597500072000000","type":"reconciled","cause":7,"root":3,"broker":"paper",")"
     R"(differences":3})",
    },
    {
     R"(7 2024-03-28T03:45:00.072Z feed_changed source=kite state=stale reason="no bytes for 5 s")",
     R"({"seq":7,"ts_ns":"1711597500072000000","type":"feed_changed","source":"kite","state":"stale","re)"
     R"(ason":"no bytes for 5 s"})",
    },
};
// clang-format on

Names learned() {
    Names names;
    names.learn(test::samples()[0].event);
    return names;
}

const Envelope kFact{8, Time{1'711'597'500'072'000'000}, 3, 7};

std::string reason_as_text(const std::string& reason) {
    const std::string line = to_text(kFact, OrderRejected{OrderId{1}, reason}, Names{});
    constexpr std::string_view kBefore = "8 2024-03-28T03:45:00.072Z order_rejected order=1 reason=";
    constexpr std::string_view kAfter = " cause=7 root=3";
    REQUIRE(line.size() > kBefore.size() + kAfter.size());
    return line.substr(kBefore.size(), line.size() - kBefore.size() - kAfter.size());
}

}  // namespace

TEST_CASE("the text and JSON of every event type are what programs read", "[events]") {
    const Names names = learned();
    const std::vector<test::Sample> samples = test::samples();
    REQUIRE(samples.size() == std::size(kLines));
    for (std::size_t i = 0; i < samples.size(); ++i) {
        CHECK(to_text(samples[i].envelope, samples[i].event, names) == kLines[i].text);
        CHECK(to_json(samples[i].envelope, samples[i].event, names) == kLines[i].json);
    }
}

TEST_CASE("every JSON line is valid JSON without a key twice", "[events]") {
    const Names names = learned();
    for (const test::Sample& sample : test::samples()) {
        const std::string line = to_json(sample.envelope, sample.event, names);
        INFO(line);
        CHECK(test::json_fault(line) == "");
        CHECK(line.find('\n') == std::string::npos);
    }
}

TEST_CASE("the JSON check of these tests sees what is not JSON", "[events]") {
    for (const char* text : {"null", "{}", "[]", R"({"a":1})", R"([1,-2.5,0,"x",{"b":[[]]},true,false])",
                             R"("\u00e9\n\"\\")", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""}) {
        INFO(text);
        CHECK(test::json_fault(text) == "");
    }
    for (const char* text : {"",
                             "{",
                             "}",
                             "[",
                             "[1,]",
                             "[,1]",
                             "[1 2]",
                             R"({"a"})",
                             R"({"a":})",
                             R"({"a":1,})",
                             R"({a:1})",
                             "01",
                             "1.",
                             ".5",
                             "+1",
                             "nan",
                             "nul",
                             "\"",
                             "\"\n\"",
                             R"("\x")",
                             R"("\u12g4")",
                             R"({"a":1,"a":2})",
                             "{}{}",
                             "[1]x",
                             "[}",
                             "{]",
                             "\"\x80\"",
                             "\"\xc3\"",
                             "\"\xc0\x80\"",
                             "\"\xed\xa0\x80\"",
                             "\"\xf4\x90\x80\x80\""}) {
        INFO(text);
        CHECK(test::json_fault(text) != "");
    }
}

TEST_CASE("the line that the header shows is the line that comes out", "[events]") {
    Names names;
    RunConfigured config;
    config.instruments = {{"IBM", {}, {}, {}}};
    names.learn(config);
    const Envelope envelope{12, Time{1'381'152'600'072'000'000}, kNoSeq, kNoSeq};
    const QuoteTick quote{InstrumentId{0}, test::px("181.69"), test::px("181.9"), qty_of(200), qty_of(100)};
    CHECK(to_text(envelope, quote, names) ==
          "12 2013-10-07T13:30:00.072Z quote instrument=IBM bid=181.69 ask=181.9 bid_qty=200 ask_qty=100");
    CHECK(
        to_json(envelope, quote, names) ==
        R"({"seq":12,"ts_ns":"1381152600072000000","type":"quote","instrument":"IBM","bid":"181.69","ask":"181.9","bid_qty":"200","ask_qty":"100"})");
}

TEST_CASE("ids print as the names that the log gave them, others by number", "[events]") {
    Names names;
    CHECK(names.instrument(InstrumentId{0}) == "#0");
    CHECK(names.strategy(StrategyId{7}) == "#7");
    names.learn(test::samples()[0].event);
    CHECK(names.instrument(InstrumentId{0}) == "NSE:INFY");
    CHECK(names.instrument(InstrumentId{1}) == "IBM");
    CHECK(names.instrument(InstrumentId{2}) == "#2");
    CHECK(names.portfolio(PortfolioId{1}) == "hedge");
    CHECK(names.strategy(StrategyId{0}) == "cross");
    CHECK(names.broker(BrokerId{0}) == "paper");
    CHECK(names.broker(BrokerId{1}) == "#1");

    names.learn(InstrumentListed{InstrumentId{2}, {"NSE:TCS", {}, {}, {}}});
    CHECK(names.instrument(InstrumentId{2}) == "NSE:TCS");
    names.learn(InstrumentListed{InstrumentId{2}, {"NSE:WIPRO", {}, {}, {}}});
    CHECK(names.instrument(InstrumentId{2}) == "NSE:TCS");
    // Read from the middle of a log: a gap is not filled with the wrong name.
    names.learn(InstrumentListed{InstrumentId{9}, {"NSE:SBIN", {}, {}, {}}});
    CHECK(names.instrument(InstrumentId{3}) == "#3");
    CHECK(names.instrument(InstrumentId{9}) == "#9");
    names.learn(QuoteTick{});
    CHECK(names.instrument(InstrumentId{0}) == "NSE:INFY");
}

TEST_CASE("every type has one name, in tag order", "[events]") {
    const std::vector<test::Sample> samples = test::samples();
    REQUIRE(all_type_names().size() == samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i) {
        CHECK(std::string(all_type_names()[i]) == type_name(samples[i].event));
    }
}

TEST_CASE("a text from outside cannot break a line, forge a field or command a terminal", "[events]") {
    CHECK(reason_as_text("plain") == "plain");
    CHECK(reason_as_text("caf\xc3\xa9") == "caf\xc3\xa9");
    CHECK(reason_as_text("two words") == R"("two words")");
    CHECK(reason_as_text("x cause=1") == R"("x cause=1")");
    CHECK(reason_as_text("a=b") == R"("a=b")");
    CHECK(reason_as_text("say \"no\"") == R"("say \"no\"")");
    CHECK(reason_as_text("back\\slash") == R"("back\\slash")");
    CHECK(reason_as_text("line\nbreak") == R"("line\nbreak")");
    CHECK(reason_as_text("\x1b[2J") == R"("\u001b[2J")");
    CHECK(reason_as_text("bell\x07") == R"("bell\u0007")");
    CHECK(reason_as_text("del\x7f") == R"("del\u007f")");
    CHECK(reason_as_text("\xc2\x9b[2J") == R"("\u009b[2J")");
    CHECK(reason_as_text(std::string("nul\0x", 5)) == R"("nul\u0000x")");
    CHECK(reason_as_text("\xff") == R"("\ufffd")");
    // What says nothing is left out.
    CHECK(to_text(kFact, OrderRejected{OrderId{1}, ""}, Names{}) ==
          "8 2024-03-28T03:45:00.072Z order_rejected order=1 cause=7 root=3");
}

TEST_CASE("characters that cannot be seen, or that turn others around, are shown escaped", "[events]") {
    CHECK(revealed("NSE:INFY") == "NSE:INFY");
    CHECK(revealed("एसबीआई \xe2\x82\xb9") == "एसबीआई \xe2\x82\xb9");
    CHECK(revealed("NSE:\xe2\x80\xaeYFNI") == "NSE:\\u202eYFNI");             // right-to-left override
    CHECK(revealed("SB\xe2\x80\x8bIN\xef\xbb\xbf") == "SB\\u200bIN\\ufeff");  // zero-width space and byte order mark
    CHECK(revealed("a\xc2\xad"
                   "b\xe3\x85\xa4") == "a\\u00adb\\u3164");       // soft hyphen, filler
    CHECK(revealed("x\xf3\xa0\x81\x81y") == "x\\udb40\\udc41y");  // a tag
    CHECK(revealed("\xe2\x80") == "\xe2\x80");                    // not UTF-8: others say so
    CHECK(json_string("SB\xe2\x80\x8bIN") == R"("SB\u200bIN")");
    CHECK(json_string("x\xf3\xa0\x81\x81") == R"("x\udb40\udc41")");
    CHECK(is_printable("SB\xe2\x80\x8bIN"));  // a name it may be
}

TEST_CASE("JSON strings escape what JSON and terminals would trip over", "[events]") {
    CHECK(json_string("") == R"("")");
    CHECK(json_string("a\"b\\c/d") == R"("a\"b\\c/d")");
    CHECK(json_string("\n\t\r\x01\x7f") == R"("\n\u0009\u000d\u0001\u007f")");
    CHECK(json_string(std::string_view("\0", 1)) == R"("\u0000")");
    CHECK(json_string("\xc2\x80\xc2\x9f\xc2\xa0") == "\"\\u0080\\u009f\xc2\xa0\"");
    CHECK(json_string("\xe2\x82\xb9 \xf0\x9f\x98\x80") == "\"\xe2\x82\xb9 \xf0\x9f\x98\x80\"");
}

TEST_CASE("bytes that are not UTF-8 are replaced one by one, and what follows is kept", "[events]") {
    CHECK(json_string("a\xff"
                      "b") == R"("a\ufffdb")");
    CHECK(json_string("\x80") == R"("\ufffd")");
    CHECK(json_string("\xc0\xaf") == R"("\ufffd\ufffd")");                      // overlong
    CHECK(json_string("\xe0\x80\x80") == R"("\ufffd\ufffd\ufffd")");            // overlong
    CHECK(json_string("\xed\xa0\x80") == R"("\ufffd\ufffd\ufffd")");            // half of a surrogate pair
    CHECK(json_string("\xf4\x90\x80\x80") == R"("\ufffd\ufffd\ufffd\ufffd")");  // beyond U+10FFFF
    CHECK(json_string("\xc3") == R"("\ufffd")");                                // cut short
    CHECK(json_string("\xe2\x82"
                      "x") == R"("\ufffd\ufffdx")");
    CHECK(json_string("\xf0\x9f\x98") == R"("\ufffd\ufffd\ufffd")");
}

TEST_CASE("whatever bytes a text holds, its JSON is valid and its line is one line", "[events]") {
    CHECK(rc::check([](const std::vector<std::uint8_t>& bytes) {
        const std::string text(bytes.begin(), bytes.end());
        RC_ASSERT(test::json_fault(json_string(text)).empty());
        const OrderRejected event{OrderId{1}, text};
        RC_ASSERT(test::json_fault(to_json(kFact, event, Names{})).empty());
        const std::string line = to_text(kFact, event, Names{});
        RC_ASSERT(std::none_of(line.begin(), line.end(),
                               [](char c) { return static_cast<unsigned char>(c) < 0x20U || c == 0x7F; }));
    }));
}

TEST_CASE("prices that the order's type does not use are left out of the text, not of the JSON", "[events]") {
    OrderIntended order;
    order.order = OrderId{1};
    order.terms.quantity = qty_of(10);
    CHECK(to_text(kFact, order, Names{}) ==
          "8 2024-03-28T03:45:00.072Z order_intended order=1 strategy=#0 portfolio=#0 broker=#0 instrument=#0 side=buy "
          "order_type=market tif=gtc quantity=10 cause=7 root=3");
    const std::string json = to_json(kFact, order, Names{});
    CHECK_THAT(json, Catch::Contains(R"("limit_price":"0","stop_price":"0","reduce_only":false)") &&
                         Catch::Contains(
                             R"("parent":null,"group":null,"legs":0,"tag":"","product":"none","good_until":null)"));
    CHECK(test::json_fault(json) == "");
}

TEST_CASE("an order that closes a position is the operator's, in text and JSON", "[events]") {
    OrderIntended order;
    order.order = OrderId{1};
    order.strategy = kOperator;
    CHECK_THAT(to_text(kFact, order, Names{}), Catch::Contains("strategy=operator "));
    CHECK_THAT(to_json(kFact, order, Names{}), Catch::Contains(R"("strategy":"operator")"));
}

TEST_CASE("a price of zero is shown where it is data", "[events]") {
    const Envelope envelope{1, Time{0}, kNoSeq, kNoSeq};
    CHECK(to_text(envelope, QuoteTick{}, Names{}) ==
          "1 1970-01-01T00:00:00Z quote instrument=#0 bid=0 ask=0 bid_qty=0 ask_qty=0");
}

TEST_CASE("the first day of 1970 is a day like any other", "[events]") {
    const Envelope envelope{1, Time{0}, kNoSeq, kNoSeq};
    CHECK(to_text(envelope, TradingSessionOpened{}, Names{}) ==
          "1 1970-01-01T00:00:00Z session_opened instrument=#0 date=1970-01-01");
    CHECK_THAT(to_json(envelope, TradingSessionOpened{}, Names{}), Catch::EndsWith(R"("date":"1970-01-01"})"));
}

TEST_CASE("the largest values print whole", "[events]") {
    const Envelope envelope{kNoSeq - 1, kNever, kNoSeq - 3, kNoSeq - 2};
    const TimerSet event{StrategyId{0xFFFF'FFFF}, TimerId{0xFFFF'FFFF'FFFF'FFFF}, kBeforeAll};
    CHECK(
        to_text(envelope, event, Names{}) ==
        "18446744073709551614 2262-04-11T23:47:16.854775807Z timer_set strategy=#4294967295 timer=18446744073709551615 "
        "due=1677-09-21T00:12:43.145224192Z cause=18446744073709551613 root=18446744073709551612");
    CHECK(test::json_fault(to_json(envelope, event, Names{})) == "");
}
