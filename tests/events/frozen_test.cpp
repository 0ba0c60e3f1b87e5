#include "tests/events/support.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

// ON DISK, DO NOT CHANGE: these are bytes that journals hold. When a payload changes, its version is raised, the row
// here is kept with the old version as an upcast below, and a new row is added. An edited row is an unreadable journal
// somewhere.

using namespace alpha;

namespace {

struct Golden {
    std::uint16_t tag;
    std::uint8_t version;
    const char* name;
    const char* hex;
};

// clang-format off
const Golden kGoldens[] = {
    {1, 2, "session_configured",
     "b9020000 0100 02 00 00fa3c9edbd0c017"
     "030009000000656d612d63726f737303000000494e520200000002028a000000080000004e53453a494e4659404b4c00"
     "0000000000e1f50500000000584d000014820000f8d900000a0000004e53455f45515f434153030000004e5345050b00"
     "00006571756974795f66756e640c000000494e453030394130313032310c0000004e53453a4e494654592035300a0000"
     "00000000000008d6e829000000804cadef220000002d510000010202550000000300000049424d40420f000000000000"
     "ca9a3b000000000000000000000000805101000000000000000000010000000000000000000000000100000000000000"
     "0000000000000000000000000000000000000000000202520000000000000040420f000000000000e1f5050000000000"
     "000000000000008051010000000000000000000100000000000000000000000001000000000000000000000000000000"
     "0000000000000000000000000002000000010118000000040000006d61696e00407a10f35a0000000000000000000001"
     "0119000000050000006865646765808019c7bc1600000000000000000000010000000101440000000500000070617065"
     "72050000007061706572020000000101110000000400000066696c6c05000000746f756368010111000000070000006c"
     "6174656e63790200000030730100000002025a0000000500000063726f737309000000656d615f63726f737301000000"
     "000000000200000000000000010000000200000001010f00000004000000666173740300000031303001011000000004"
     "000000736c6f77040000003130303002020000000202110000000c0010a5d4e800000000000000000000000202110000"
     "001380f0fa02000000000000000000000000010000000100000001012000000000943577000000000000000000000000"
     "3075000000000000000000000000000000b864d94500000002"},
    {2, 2, "instrument_listed",
     "63000000 0200 02 00 00fa3c9edbd0c017"
     "02000000020259000000070000004e53453a544353404b4c00000000000065cd1d00000000584d000014820000f8d900"
     "000000000000000000010000000000000000000000000100000000000000000000000000000000000000000000000000"
     "000000"},
    {3, 1, "quote",
     "24000000 0300 01 00 00fa3c9edbd0c017"
     "0100000040f0f43a04000000805f353c0400000000c817a80400000000e40b5402000000"},
    {4, 2, "bar_opened",
     "1c000000 0400 02 00 00fa3c9edbd0c017"
     "0100000040f0f43a0400000000fa3c9edbd0c017005847f80d000000"},
    {5, 2, "bar_closed",
     "3c000000 0500 02 00 00fa3c9edbd0c017"
     "0100000040f0f43a0400000000d7c342040000000134e2300400000080e6c83f0400000000a7bf804870000000a2f5a5"
     "cdd0c017005847f80d000000"},
    {6, 1, "session_opened",
     "08000000 0600 01 00 00fa3c9edbd0c017"
     "01000000624d0000"},
    {7, 1, "session_closed",
     "08000000 0700 01 00 00fa3c9edbd0c017"
     "01000000624d0000"},
    {8, 1, "timer_fired",
     "0c000000 0800 01 00 00fa3c9edbd0c017"
     "000000000900000000000000"},
    {9, 2, "pnl_snapshot",
     "78000000 0900 02 00 00fa3c9edbd0c017"
     "0100000040d080c9db5a00000000000000000000005cb2ec220000000000000000000000402c33b6fe5a000000000000"
     "00000000006cca88ffffffffffffffffffffffff401424940c0000000000000000000000009435770000000000000000"
     "00000000804cadef22000000000000000000000003000000"},
    {10, 1, "portfolio_opened",
     "14000000 0a00 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "01000000808019c7bc1600000000000000000000"},
    {11, 1, "signal",
     "09000000 0b00 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "000000000100000003"},
    {12, 2, "order_intended",
     "61000000 0c00 02 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000000000000010000000000000002023a0000000100000002040100e40b540200000040f0f43a040000"
     "0080e6c83f04000000012800000000000000290000000000000002040000006578697403624d0000c07d503b04000000"
     "01"},
    {13, 3, "order_refused",
     "71000000 0d00 03 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a00000000000000000000000100000002023a0000000100000002040100e40b540200000040f0f43a0400000080e6c8"
     "3f040000000128000000000000002900000000000000020400000065786974030b0065cd1d0000000000000000000000"
     "00409f362b000000000000000000000000"},
    {14, 3, "cancel_intended",
     "09000000 0e00 03 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000003"},
    {15, 3, "modify_intended",
     "2a000000 0f00 03 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000000d6117e030000008032043b04000000007d614004000000011cc07d503b04000000"},
    {16, 3, "change_refused",
     "2d000000 1000 03 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a00000000000000000000001500e1f50500000000000000000000000000c2eb0b000000000000000000000000"},
    {17, 1, "timer_set",
     "14000000 1100 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "00000000090000000000000000b03992e9d0c017"},
    {18, 1, "timer_cancelled",
     "0c000000 1200 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "000000000900000000000000"},
    {19, 3, "kill_switch_latched",
     "26000000 1300 03 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "010000001300e8764817000000000000000000000001e8764817000000000000000000000001"},
    {20, 1, "kill_switch_released",
     "04000000 1400 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "01000000"},
    {21, 1, "strategy_halted",
     "15000000 1500 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "000000000d000000697420746872657720226e6f22"},
    {22, 1, "order_accepted",
     "1b000000 1600 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a000000000000000f000000323430333238303030303132333435"},
    {23, 1, "order_rejected",
     "24000000 1700 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a00000000000000180000006d617267696e206f662031322e35302069732073686f7274"},
    {24, 1, "order_triggered",
     "08000000 1800 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a00000000000000"},
    {25, 3, "order_filled",
     "9a000000 1900 03 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a000000000000000000000001000000010000000200286bee0000000080e6c83f04000000000464f7a9000000000000"
     "0000000000c040438400000000000000000000000080837eb5ffffffffffffffffffffffff0200000054310400000065"
     "78697401020000000101110000000180ea822b0000000000000000000000000101110000000a4056c058000000000000"
     "000000000000654d0000"},
    {26, 1, "order_cancelled",
     "0f000000 1a00 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000003000000696f63"},
    {27, 1, "order_expired",
     "08000000 1b00 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a00000000000000"},
    {28, 3, "order_modified",
     "22000000 1c00 03 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000000d6117e030000008032043b04000000007d614004000000011c"},
    {29, 1, "change_rejected",
     "1b000000 1d00 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a00000000000000090e000000616c72656164792066696c6c6564"},
    {30, 1, "report_ignored",
     "55000000 1e00 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a000000000000000400286bee0000000080e6c83f0400000040f0f43a0400000000d7c342040000000200000054310f"
     "0000003234303332383030303031323334350f0000006475706c6963617465207472616465"},
    {31, 2, "session_reconfigured",
     "b9020000 1f00 02 00 00fa3c9edbd0c017"
     "030009000000656d612d63726f737303000000494e520200000002028a000000080000004e53453a494e4659404b4c00"
     "0000000000e1f50500000000584d000014820000f8d900000a0000004e53455f45515f434153030000004e5345050b00"
     "00006571756974795f66756e640c000000494e453030394130313032310c0000004e53453a4e494654592035300a0000"
     "00000000000008d6e829000000804cadef220000002d510000010202550000000300000049424d40420f000000000000"
     "ca9a3b000000000000000000000000805101000000000000000000010000000000000000000000000100000000000000"
     "0000000000000000000000000000000000000000000202520000000000000040420f000000000000e1f5050000000000"
     "000000000000008051010000000000000000000100000000000000000000000001000000000000000000000000000000"
     "0000000000000000000000000002000000010118000000040000006d61696e00407a10f35a0000000000000000000001"
     "0119000000050000006865646765808019c7bc1600000000000000000000010000000101440000000500000070617065"
     "72050000007061706572020000000101110000000400000066696c6c05000000746f756368010111000000070000006c"
     "6174656e63790200000030730100000002025a0000000500000063726f737309000000656d615f63726f737301000000"
     "000000000200000000000000010000000200000001010f00000004000000666173740300000031303001011000000004"
     "000000736c6f77040000003130303002020000000202110000000c0010a5d4e800000000000000000000000202110000"
     "001380f0fa02000000000000000000000000010000000100000001012000000000943577000000000000000000000000"
     "3075000000000000000000000000000000b864d94500000002"},
    {32, 1, "order_released",
     "10000000 2000 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000000286bee00000000"},
    {33, 1, "strategy_resumed",
     "04000000 2100 01 00 00fa3c9edbd0c017"
     "00000000"},
    {34, 1, "market_rules_set",
     "f7010000 2200 01 00 00fa3c9edbd0c017"
     "0101f101000002010000000101360100000101f2000000060000004e53455f45510c000000417369612f4b6f6c6b6174"
     "610100000001012100000056470000525100000101130000000e0000004e53452f434d54522f37333336320101000000"
     "0101210000009e4b0000525100000101130000000e0000004e53452f434d54522f3733333632010100000001013a0000"
     "0007000000726567756c61721fbc500000ffffff7f08a0d70000ccd8000090d800000101130000000e0000004e53452f"
     "434d54522f373333363201010000000101340000001f51000004070000006d7568757261740006000000446977616c69"
     "0101130000000e0000004e53452f434d54522f3733333632010101380000000c000000417369612f4b6f6c6b61746102"
     "00000001010c0000000000000000000080d852000001010c00000000c4cedc6490f8e3584d00000101aa000000070000"
     "007a65726f646861010000000101950000000102030000004e534503080000006f7264696e61727902030001005cb2ec"
     "220000000094357700000000000000000000000040420f0000000000000000000000000000286bee0000000000000000"
     "0000000000a89c13460200000201030000004e534540500000525100000101130000000e0000004e53452f434d54522f"
     "3733333632010900000077686f206b6e6f777311000000"},
    {35, 1, "instrument_changed",
     "94000000 2300 01 00 00fa3c9edbd0c017"
     "0000000002028a000000080000004e53453a494e4659404b4c000000000000e1f50500000000584d000014820000f8d9"
     "00000a0000004e53455f45515f434153030000004e5345050b0000006571756974795f66756e640c000000494e453030"
     "394130313032310c0000004e53453a4e494654592035300a000000000000000008d6e829000000804cadef220000002d"
     "51000001"},
    {36, 1, "charges_booked",
     "3a000000 2400 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "01000000624d00000100000001011100000001803c36feffffffffffffffffffffffff803c36feffffffffffffffffff"
     "ffffff03000000776879"},
    {37, 1, "product_rules_set",
     "5f000000 2500 01 00 00fa3c9edbd0c017"
     "010159000000070000007a65726f6468610100000001014400000002030000004e534501580200000100000001405000"
     "00525100000101130000000e0000005a65726f64686127732070616765040900000077686f206b6e6f777311000000"},
    {38, 1, "square_off_begun",
     "08000000 2600 01 00 00fa3c9edbd0c017"
     "01000000624d0000"},
    {39, 1, "corporate_action",
     "5c000000 2700 01 00 00fa3c9edbd0c017"
     "0100000004634d000003000000000000000200000000000000c029cd02000000000000000000000000807c814a000000"
     "000000000040787d010000000000000000000000000101110000000c00000049424d2773206e6f7469636502"},
    {40, 1, "position_adjusted",
     "5a000000 2800 01 01 00fa3c9edbd0c017"
     "0300000000000000070000000000000001000000010000000101002aee81fcffffff00a44d13ddffffffffffffffffff"
     "ffff00e1f50500000000802660c7ffffffffffffffffffffffff80f0fa0200000000000000000000000040787d010000"
     "00000000000000000000"},
    {41, 1, "order_adjusted",
     "28000000 2900 01 01 00fa3c9edbd0c017"
     "030000000000000007000000000000002a0000000000000000ac23fc06000000007841cb020000004019821d02000000"
     "4073e41f02000000"},
    {42, 1, "settlement_price",
     "18000000 2a00 01 00 00fa3c9edbd0c017"
     "01000000624d0000402db51fffffffffffffffffffffffff"},
    {43, 1, "contract_expired",
     "08000000 2b00 01 00 00fa3c9edbd0c017"
     "01000000624d0000"},
    {44, 1, "position_settled",
     "99000000 2c00 01 01 00fa3c9edbd0c017"
     "0300000000000000070000000000000001000000010000000303624d0000807c814a0000000000000000000000000015"
     "f740feffffff00f902950000000000ba1dd20500000000000000000000008086102ceaffffffffffffffffffffff806e"
     "877401000000000000000000000080890807000000000000000000000000010000000101110000000180890807000000"
     "000000000000000000806c23ebffffffffffffffffffffffff"},
    {45, 1, "margin_rules_set",
     "99000000 2d00 01 00 00fa3c9edbd0c017"
     "010193000000070000007a65726f6468610100000001017e00000003030000004e464f03050000004e49465459809698"
     "0000000000000000000000000080841e00000000000000000000000000c0c62d00000000000000000000000000f0b31a"
     "000000000000000000000000004f4e00005251000001010f0000000a000000612063697263756c617201070000007065"
     "726861707309000000"},
};
// clang-format on

/// Bytes of versions before the current one, and of the current one with older structs in it: the samples' as far as they went then.
// clang-format off
const Golden kOlder[] = {
    {1, 1, "session_configured",
     "9b010000 0100 01 00 00fa3c9edbd0c017"
     "09000000656d612d63726f737303000000494e5202000000080000004e53453a494e4659404b4c000000000000e1f505"
     "00000000584d000014820000f8d900000300000049424d40420f000000000000ca9a3b00000000000000000000000080"
     "5101000000000040420f000000000000e1f5050000000000000000000000008051010002000000040000006d61696e00"
     "407a10f35a00000000000000000000050000006865646765808019c7bc16000000000000000000000100000005000000"
     "7061706572050000007061706572020000000400000066696c6c05000000746f756368070000006c6174656e63790200"
     "00003073010000000500000063726f737309000000656d615f63726f7373010000000000000002000000000000000100"
     "00000200000004000000666173740300000031303004000000736c6f770400000031303030020000000c0010a5d4e800"
     "000000000000000000001380f0fa02000000000000000000000000010000000100000000943577000000000000000000"
     "0000003075000000000000000000000000000000b864d945000000"},
    {1, 2, "session_configured",
     "f2010000 0100 02 00 00fa3c9edbd0c017"
     "020009000000656d612d63726f737303000000494e5202000000010128000000080000004e53453a494e4659404b4c00"
     "0000000000e1f50500000000584d000014820000f8d900000101230000000300000049424d40420f000000000000ca9a"
     "3b000000000000000000000000805101000101200000000000000040420f000000000000e1f505000000000000000000"
     "0000008051010002000000010118000000040000006d61696e00407a10f35a0000000000000000000001011900000005"
     "0000006865646765808019c7bc1600000000000000000000010000000101440000000500000070617065720500000070"
     "61706572020000000101110000000400000066696c6c05000000746f756368010111000000070000006c6174656e6379"
     "020000003073010000000101590000000500000063726f737309000000656d615f63726f737301000000000000000200"
     "000000000000010000000200000001010f00000004000000666173740300000031303001011000000004000000736c6f"
     "770400000031303030020000000101110000000c0010a5d4e800000000000000000000000101110000001380f0fa0200"
     "000000000000000000000001000000010000000101200000000094357700000000000000000000000030750000000000"
     "00000000000000000000b864d94500000002"},
    {2, 1, "instrument_listed",
     "2b000000 0200 01 00 00fa3c9edbd0c017"
     "02000000070000004e53453a544353404b4c00000000000065cd1d00000000584d000014820000f8d90000"},
    {2, 2, "instrument_listed",
     "31000000 0200 02 00 00fa3c9edbd0c017"
     "02000000010127000000070000004e53453a544353404b4c00000000000065cd1d00000000584d000014820000f8d900"
     "00"},
    {4, 1, "bar_opened",
     "0c000000 0400 01 00 00fa3c9edbd0c017"
     "0100000040f0f43a04000000"},
    {5, 1, "bar_closed",
     "2c000000 0500 01 00 00fa3c9edbd0c017"
     "0100000040f0f43a0400000000d7c342040000000134e2300400000080e6c83f0400000000a7bf8048700000"},
    {9, 1, "pnl_snapshot",
     "74000000 0900 01 00 00fa3c9edbd0c017"
     "0100000040d080c9db5a00000000000000000000005cb2ec220000000000000000000000402c33b6fe5a000000000000"
     "00000000006cca88ffffffffffffffffffffffff401424940c0000000000000000000000009435770000000000000000"
     "00000000804cadef220000000000000000000000"},
    {12, 1, "order_intended",
     "37000000 0c00 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a000000000000000000000001000000000000000100000002040100e40b540200000040f0f43a0400000080e6c83f04"
     "000000624d0000"},
    {12, 2, "order_intended",
     "60000000 0c00 02 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a000000000000000000000001000000000000000101390000000100000002040100e40b540200000040f0f43a040000"
     "0080e6c83f040000000128000000000000002900000000000000020400000065786974624d0000c07d503b0400000001"},
    {13, 1, "order_refused",
     "50000000 0d00 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000000000000010000000100000002040100e40b540200000040f0f43a0400000080e6c83f040000000b"
     "0065cd1d000000000000000000000000409f362b000000000000000000000000"},
    {13, 2, "order_refused",
     "70000000 0d00 02 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000000000000010000000101390000000100000002040100e40b540200000040f0f43a0400000080e6c8"
     "3f0400000001280000000000000029000000000000000204000000657869740b0065cd1d000000000000000000000000"
     "409f362b000000000000000000000000"},
    {14, 1, "cancel_intended",
     "09000000 0e00 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000003"},
    {14, 2, "cancel_intended",
     "09000000 0e00 02 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000003"},
    {15, 1, "modify_intended",
     "20000000 0f00 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000000d6117e030000008032043b04000000007d614004000000"},
    {15, 2, "modify_intended",
     "2a000000 0f00 02 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000000d6117e030000008032043b04000000007d614004000000011cc07d503b04000000"},
    {16, 1, "change_refused",
     "2d000000 1000 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a00000000000000000000001500e1f50500000000000000000000000000c2eb0b000000000000000000000000"},
    {16, 2, "change_refused",
     "2d000000 1000 02 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a00000000000000000000001500e1f50500000000000000000000000000c2eb0b000000000000000000000000"},
    {19, 1, "kill_switch_latched",
     "25000000 1300 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "010000001300e8764817000000000000000000000001e87648170000000000000000000000"},
    {19, 2, "kill_switch_latched",
     "26000000 1300 02 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "010000001300e8764817000000000000000000000001e8764817000000000000000000000001"},
    {25, 1, "order_filled",
     "5b000000 1900 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a000000000000000000000001000000010000000200286bee0000000080e6c83f04000000000464f7a9000000000000"
     "0000000000c040438400000000000000000000000080837eb5ffffffffffffffffffffffff020000005431"},
    {25, 2, "order_filled",
     "63000000 1900 02 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a000000000000000000000001000000010000000200286bee0000000080e6c83f04000000000464f7a9000000000000"
     "0000000000c040438400000000000000000000000080837eb5ffffffffffffffffffffffff0200000054310400000065"
     "786974"},
    {28, 1, "order_modified",
     "20000000 1c00 01 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000000d6117e030000008032043b04000000007d614004000000"},
    {28, 2, "order_modified",
     "22000000 1c00 02 01 00fa3c9edbd0c017"
     "0300000000000000 0700000000000000"
     "2a0000000000000000d6117e030000008032043b04000000007d614004000000011c"},
    {31, 1, "session_reconfigured",
     "9b010000 1f00 01 00 00fa3c9edbd0c017"
     "09000000656d612d63726f737303000000494e5202000000080000004e53453a494e4659404b4c000000000000e1f505"
     "00000000584d000014820000f8d900000300000049424d40420f000000000000ca9a3b00000000000000000000000080"
     "5101000000000040420f000000000000e1f5050000000000000000000000008051010002000000040000006d61696e00"
     "407a10f35a00000000000000000000050000006865646765808019c7bc16000000000000000000000100000005000000"
     "7061706572050000007061706572020000000400000066696c6c05000000746f756368070000006c6174656e63790200"
     "00003073010000000500000063726f737309000000656d615f63726f7373010000000000000002000000000000000100"
     "00000200000004000000666173740300000031303004000000736c6f770400000031303030020000000c0010a5d4e800"
     "000000000000000000001380f0fa02000000000000000000000000010000000100000000943577000000000000000000"
     "0000003075000000000000000000000000000000b864d945000000"},
    {31, 2, "session_reconfigured",
     "f2010000 1f00 02 00 00fa3c9edbd0c017"
     "020009000000656d612d63726f737303000000494e5202000000010128000000080000004e53453a494e4659404b4c00"
     "0000000000e1f50500000000584d000014820000f8d900000101230000000300000049424d40420f000000000000ca9a"
     "3b000000000000000000000000805101000101200000000000000040420f000000000000e1f505000000000000000000"
     "0000008051010002000000010118000000040000006d61696e00407a10f35a0000000000000000000001011900000005"
     "0000006865646765808019c7bc1600000000000000000000010000000101440000000500000070617065720500000070"
     "61706572020000000101110000000400000066696c6c05000000746f756368010111000000070000006c6174656e6379"
     "020000003073010000000101590000000500000063726f737309000000656d615f63726f737301000000000000000200"
     "000000000000010000000200000001010f00000004000000666173740300000031303001011000000004000000736c6f"
     "770400000031303030020000000101110000000c0010a5d4e800000000000000000000000101110000001380f0fa0200"
     "000000000000000000000001000000010000000101200000000094357700000000000000000000000030750000000000"
     "00000000000000000000b864d94500000002"},
};
// clang-format on

/// What an instrument's bytes say that know nothing of markets.
Instrument without_market(const Instrument& e) {
    return {e.name, e.tick, e.lot, e.hours};
}

/// What the sample of a type is when its bytes are of version 2: structs in it are of their first version.
void to_second(Event& event) {
    const auto without_markets = [](RunConfigured& config) {
        config.rules = 2;
        for (Instrument& instrument : config.instruments) {
            instrument = without_market(instrument);
        }
        for (StrategyConfig& strategy : config.strategies) {
            strategy.product = Product::none;
        }
    };
    std::visit(overloaded{[&](RunConfigured& e) { without_markets(e); },
                          [&](RunReconfigured& e) { without_markets(e.config); },
                          [](InstrumentListed& e) { e.definition = without_market(e.definition); },
                          [](OrderIntended& e) { e.terms.product = Product::none; },
                          [](OrderRefused& e) { e.terms.product = Product::none; },
                          [](OrderFilled& e) {
                              e.product = Product::none;
                              e.lines.clear();
                              e.settles = Date{};
                          },
                          [](auto&) {}},
               event);
}

void to_first(Event& event) {
    const auto bare = [](OrderTerms& terms) {
        terms.reduce_only = false;
        terms.parent = terms.group = OrderId{};
        terms.legs = 0;
        terms.tag.clear();
    };
    const auto first_rules = [](RunConfigured& config) {
        config.rules = 1;
        config.daily_loss_latch_ends = LatchEnd::trading_day;
    };
    std::visit(
        overloaded{[&](RunConfigured& e) { first_rules(e); }, [&](RunReconfigured& e) { first_rules(e.config); },
                   [](BarOpened& e) { e = {e.instrument, e.open}; },
                   [](BarClosed& e) { e = {e.instrument, e.open, e.high, e.low, e.close, e.volume}; },
                   [](PnlSnapshot& e) { e.open_orders = 0; },
                   [&](OrderIntended& e) {
                       bare(e.terms);
                       e.valued_at = Price{};
                       e.held = false;
                   },
                   [&](OrderRefused& e) { bare(e.terms); },
                   [](ModifyIntended& e) { e = {e.order, e.quantity, e.limit_price, e.stop_price}; },
                   [](KillSwitchLatched& e) { e.scope = LatchScope::all; }, [](OrderFilled& e) { e.order_tag.clear(); },
                   [](OrderModified& e) { e = {e.order, e.quantity, e.limit_price, e.stop_price}; }, [](auto&) {}},
        event);
}

/// What the sample of a type is when its bytes are of version `written`.
Event before(Event event, std::uint8_t written) {
    REQUIRE((written == 1 || written == 2));
    to_second(event);
    if (written == 1) {
        to_first(event);
    }
    return event;
}

/// The first version with the fields of the current one: what came later are values of enums, or fields of structs.
std::uint8_t has_its_fields_since(std::uint16_t tag) {
    switch (tag) {
    case CancelIntended::tag:
    case ChangeRefused::tag: return 1;
    case RunConfigured::tag:
    case RunReconfigured::tag:
    case InstrumentListed::tag:
    case OrderIntended::tag:
    case OrderRefused::tag:
    case ModifyIntended::tag:
    case KillSwitchLatched::tag:
    case OrderModified::tag: return 2;
    default: return kGoldens[tag - 1U].version;
    }
}

std::vector<std::uint8_t> from_hex(std::string_view text) {
    std::vector<std::uint8_t> bytes;
    std::string digits;
    for (const char c : text) {
        if (c == ' ') {
            continue;
        }
        digits += c;
        if (digits.size() == 2) {
            bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits, nullptr, 16)));
            digits.clear();
        }
    }
    return bytes;
}

}  // namespace

TEST_CASE("the bytes of every event type are what journals hold", "[events]") {
    const std::vector<test::Sample> samples = test::samples();
    REQUIRE(samples.size() == std::size(kGoldens));
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const Golden& golden = kGoldens[i];
        INFO(golden.name);
        const auto bytes = test::encoded(samples[i].envelope, samples[i].event);
        CHECK(test::hex(bytes) == test::hex(from_hex(golden.hex)));
        const auto decoded = decode(from_hex(golden.hex), samples[i].envelope.seq);
        REQUIRE(decoded.has_value());
        CHECK((decoded->event == samples[i].event));
        CHECK(decoded->envelope == samples[i].envelope);
    }
}

TEST_CASE("no event type changes its wire tag, version or name unnoticed", "[events]") {
    std::size_t i = 0;
#define CHECK_PINNED(E)                                                                                                \
    INFO(E::name_v);                                                                                                   \
    REQUIRE(i < std::size(kGoldens));                                                                                  \
    CHECK(E::tag == kGoldens[i].tag);                                                                                  \
    CHECK(+E::version == +kGoldens[i].version);                                                                        \
    CHECK(std::string(E::name_v) == kGoldens[i].name);                                                                 \
    ++i;
    ALPHA_EVENTS(CHECK_PINNED)
#undef CHECK_PINNED
    CHECK(i == std::size(kGoldens));
}

TEST_CASE("no two event types share a wire tag or a name", "[events]") {
    std::set<std::uint16_t> tags;
    std::set<std::string> names;
#define TAKE_NOTE(E)                                                                                                   \
    tags.insert(E::tag);                                                                                               \
    names.insert(E::name_v);
    ALPHA_EVENTS(TAKE_NOTE)
#undef TAKE_NOTE
    CHECK(tags.size() == std::variant_size_v<Event>);
    CHECK(names.size() == std::variant_size_v<Event>);
}

TEST_CASE("bytes of an older version are read as what they meant, and are written as the current one", "[events]") {
    const std::vector<test::Sample> samples = test::samples();
    for (const Golden& older : kOlder) {
        INFO(older.name << " of version " << +older.version);
        const test::Sample& sample = samples[older.tag - 1U];
        const auto bytes = from_hex(older.hex);
        const auto decoded = decode(bytes, sample.envelope.seq);
        REQUIRE(decoded.has_value());
        CHECK(decoded->envelope == sample.envelope);
        CHECK(decoded->bytes == bytes.size());
        const Event expected = before(sample.event, older.version);
        CHECK((decoded->event == expected));
        const auto again = decode(test::encoded(sample.envelope, decoded->event), sample.envelope.seq);
        REQUIRE(again.has_value());
        CHECK((again->event == expected));
    }
}

TEST_CASE("every event whose version has been raised keeps the bytes of each older version", "[events]") {
    std::set<std::pair<unsigned, unsigned>> kept;
    for (const Golden& older : kOlder) {
        kept.emplace(older.tag, older.version);
    }
    for (const Golden& current : kGoldens) {
        for (unsigned version = 1; version < current.version; ++version) {
            INFO(current.name);
            CHECK(kept.contains({current.tag, version}));
        }
    }
}

TEST_CASE("damaged bytes of an older version are refused", "[events]") {
    for (const Golden& older : kOlder) {
        INFO(older.name);
        const auto whole = from_hex(older.hex);
        for (std::size_t n = 0; n < whole.size(); ++n) {
            const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
            CHECK_FALSE(decode(cut, 8).has_value());
        }
        auto longer = whole;
        ++longer[0];
        longer.push_back(0);
        CHECK_FALSE(decode(longer, 8).has_value());
    }
}

TEST_CASE("older bytes under the number of the current version are refused where it has more fields", "[events]") {
    for (const Golden& older : kOlder) {
        INFO(older.name);
        auto bytes = from_hex(older.hex);
        bytes[6] = kGoldens[older.tag - 1U].version;
        CHECK(decode(bytes, 8).has_value() == (older.version >= has_its_fields_since(older.tag)));
    }
}

TEST_CASE("the numbers of enums on disk stay what they are", "[events]") {
    const auto number = [](auto value) { return static_cast<int>(value); };
    CHECK(number(Side::buy) == 1);
    CHECK(number(Side::sell) == 2);
    CHECK(number(OrderType::market) == 1);
    CHECK(number(OrderType::limit) == 2);
    CHECK(number(OrderType::stop) == 3);
    CHECK(number(OrderType::stop_limit) == 4);
    CHECK(number(TimeInForce::day) == 1);
    CHECK(number(TimeInForce::gtc) == 2);
    CHECK(number(TimeInForce::ioc) == 3);
    CHECK(number(Direction::flat) == 1);
    CHECK(number(Direction::lengthen) == 2);
    CHECK(number(Direction::shorten) == 3);
    const char* const rules[] = {"none",
                                 "invalid_order",
                                 "unknown_instrument",
                                 "kill_switch",
                                 "strategy_halted",
                                 "tick_size",
                                 "lot_size",
                                 "allowed_instruments",
                                 "session_hours",
                                 "no_market",
                                 "stale_data",
                                 "price_band",
                                 "order_quantity",
                                 "order_notional",
                                 "shorting",
                                 "position",
                                 "gross_exposure",
                                 "open_orders",
                                 "order_rate",
                                 "daily_loss",
                                 "step_facts",
                                 "not_open",
                                 "operator_kill",
                                 "overfill",
                                 "unmatched_fill",
                                 "buying_power",
                                 "links",
                                 "change_pending",
                                 "linked_fill",
                                 "market_phase",
                                 "unknown_day",
                                 "freeze_quantity",
                                 "expired",
                                 "no_charges",
                                 "product",
                                 "holdings",
                                 "square_off",
                                 "margin",
                                 "corporate_action"};
    for (std::size_t i = 0; i < std::size(rules); ++i) {
        CHECK(std::string(name_of(static_cast<Rule>(i))) == rules[i]);
    }
    CHECK(std::size(rules) == kRules);
    CHECK(std::string(name_of(static_cast<Rule>(std::size(rules)))) == "?");
    const char* const products[] = {"none", "cnc", "mis", "nrml", "mtf"};
    for (std::size_t i = 0; i < std::size(products); ++i) {
        CHECK(std::string(name_of(static_cast<Product>(i))) == products[i]);
    }
    const char* const instruments[] = {"share", "index", "future", "call", "put", "other"};
    for (std::size_t i = 0; i < std::size(instruments); ++i) {
        CHECK(std::string(name_of(static_cast<InstrumentKind>(i + 1))) == instruments[i]);
    }
    const char* const lines[] = {"brokerage", "stt",  "ctt", "exchange", "clearing", "sebi",    "ipft",      "stamp",
                                 "fee",       "levy", "gst", "note",     "dp",       "dp_btst", "square_off"};
    for (std::size_t i = 0; i < std::size(lines); ++i) {
        CHECK(std::string(name_of(static_cast<markets::ChargeLine>(i))) == lines[i]);
    }
    const char* const phases[] = {"unknown",        "closed",          "pre_open",      "pre_open_limit",
                                  "pre_open_match", "pre_open_buffer", "continuous",    "closing_reference",
                                  "closing_entry",  "closing_limit",   "closing_match", "post_close"};
    for (std::size_t i = 0; i < std::size(phases); ++i) {
        CHECK(std::string(name_of(static_cast<markets::Phase>(i))) == phases[i]);
    }
    const char* const scopes[] = {"none", "entries", "flatten", "all"};
    for (std::size_t i = 0; i < std::size(scopes); ++i) {
        CHECK(std::string(name_of(static_cast<LatchScope>(i))) == scopes[i]);
    }
    CHECK(std::string(name_of(static_cast<LatchScope>(std::size(scopes)))) == "?");
    CHECK(number(LatchEnd::trading_day) == 1);
    CHECK(number(LatchEnd::released) == 2);
    CHECK(std::string(name_of(LatchEnd::trading_day)) == "trading_day");
    CHECK(std::string(name_of(LatchEnd::released)) == "released");
    CHECK(std::string(name_of(static_cast<LatchEnd>(3))) == "?");
    CHECK(kOperator.value == 0xFFFF'FFFEU);  // in journals as the strategy of orders that close positions
    const char* const kinds[] = {"accepted", "rejected", "triggered",       "filled",         "cancelled",
                                 "expired",  "modified", "cancel_rejected", "modify_rejected"};
    for (std::size_t i = 0; i < std::size(kinds); ++i) {
        CHECK(std::string(name_of(static_cast<ReportKind>(i + 1))) == kinds[i]);
    }
    CHECK(std::string(name_of(static_cast<ReportKind>(std::size(kinds) + 1))) == "?");
}
