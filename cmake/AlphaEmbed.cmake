# alpha_embed(TARGET FILE ...): makes each FILE, a text of the target's source folder, a constant of the program: a data file is found on
# any machine without a path. FOLDER/sessions.csv becomes the header "FOLDER/sessions.csv.hpp" with `alpha::embedded::kSessionsCsv`. The
# header is written anew when the file changes.

if(CMAKE_SCRIPT_MODE_FILE)
    file(READ "${TEXT}" text)
    # A compiler must accept no longer literal than 64 KiB: pieces side by side are one literal all the same.
    string(LENGTH "${text}" size)
    set(literal "")
    set(at 0)
    while(at LESS size)
        string(SUBSTRING "${text}" ${at} 8192 piece)
        string(APPEND literal "\n    R\"embedded(${piece})embedded\"")
        math(EXPR at "${at} + 8192")
    endwhile()
    file(WRITE "${HEADER}" "#pragma once\n/// ${NAME}, written by cmake/AlphaEmbed.cmake.\n\n#include <string_view>\n\n"
         "namespace alpha::embedded {\n\ninline constexpr std::string_view ${CONSTANT} =${literal};\n\n}  // namespace alpha::embedded\n")
    return()
endif()

set(ALPHA_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(alpha_embed target)
    foreach(name IN LISTS ARGN)
        file(RELATIVE_PATH path "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}/${name}")
        set(header "${CMAKE_BINARY_DIR}/embedded/${path}.hpp")
        # data/corporate_actions.csv -> kCorporateActionsCsv
        get_filename_component(stem "${name}" NAME)
        string(REGEX REPLACE "[^A-Za-z0-9]+" ";" words "${stem}")
        set(constant "k")
        foreach(word IN LISTS words)
            string(SUBSTRING "${word}" 0 1 first)
            string(SUBSTRING "${word}" 1 -1 rest)
            string(TOUPPER "${first}" first)
            string(APPEND constant "${first}${rest}")
        endforeach()
        add_custom_command(
            OUTPUT "${header}"
            COMMAND "${CMAKE_COMMAND}" "-DTEXT=${CMAKE_CURRENT_SOURCE_DIR}/${name}" "-DHEADER=${header}" "-DNAME=${path}"
                    "-DCONSTANT=${constant}" -P "${ALPHA_EMBED_SCRIPT}"
            DEPENDS "${name}" "${ALPHA_EMBED_SCRIPT}"
            VERBATIM)
        target_sources(${target} PRIVATE "${header}")
    endforeach()
    target_include_directories(${target} PRIVATE "${CMAKE_BINARY_DIR}/embedded")
endfunction()
