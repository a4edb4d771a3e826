# cnf_library, cnf_test, cnf_fuzz: how targets are made here, so that flags, headers and layers are said once.

add_library(cnf_options INTERFACE)
target_compile_features(cnf_options INTERFACE cxx_std_20)
target_compile_options(cnf_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # At -Og g++ 12 sees std::stop_source's own copies as uninitialized (in <stop_token>).
  target_compile_options(cnf_options INTERFACE -Wno-maybe-uninitialized)
endif()
if(CNF_WERROR)
  target_compile_options(cnf_options INTERFACE -Werror)
endif()
if(CNF_SANITIZE)
  add_compile_options(-fsanitize=${CNF_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CNF_SANITIZE})
endif()
# One cache for all clones of the repository: paths inside it are hashed relative to its root.
find_program(CCACHE ccache)
if(CCACHE AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

# cnf_library(storage SOURCES s3.cc … HEADERS s3.h … DEPS cnf::util … PRIVATE_DEPS CURL::libcurl …)
# makes the static library cnf_storage, alias cnf::storage. HEADERS are public: installed, and each must
# compile alone. DEPS are the layers below; PRIVATE_DEPS are what no public header shows.
# COMPONENT is the part of find_package(cnf COMPONENTS …) that brings it: a format's own name for
# cnf/formats/*, core for all else unless said.
function(cnf_library name)
  cmake_parse_arguments(ARG "" "COMPONENT" "SOURCES;HEADERS;DEPS;PRIVATE_DEPS" ${ARGN})
  if(NOT ARG_COMPONENT)
    set(ARG_COMPONENT core)
    cmake_path(GET CMAKE_CURRENT_SOURCE_DIR PARENT_PATH parent)
    if(parent STREQUAL "${PROJECT_SOURCE_DIR}/cnf/formats")
      cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME ARG_COMPONENT)
    endif()
  endif()
  add_library(cnf_${name} STATIC ${ARG_SOURCES})
  add_library(cnf::${name} ALIAS cnf_${name})
  set_target_properties(cnf_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_sources(cnf_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${ARG_HEADERS})
  target_include_directories(cnf_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_compile_features(cnf_${name} PUBLIC cxx_std_20)
  target_link_libraries(cnf_${name} PUBLIC ${ARG_DEPS} PRIVATE $<BUILD_INTERFACE:cnf_options> ${ARG_PRIVATE_DEPS})
  set_property(GLOBAL APPEND PROPERTY CNF_COMPONENTS ${ARG_COMPONENT})
  set_property(GLOBAL APPEND PROPERTY CNF_LIBRARIES_${ARG_COMPONENT} cnf_${name})
endfunction()

# cnf_test(storage_test SOURCES a_test.cc b_test.cc DEPS cnf::storage …): one gtest program a package.
# LABELS servers marks what needs the servers of scripts/servers.sh, which it finds through CNF_SERVERS.
# The folder of real files from the field is told to tests as CNF_SHARED_DATA (see tests/README.md).
function(cnf_test name)
  if(NOT CNF_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS;PARTS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE cnf_options ${ARG_DEPS} rapidcheck_gtest GTest::gmock GTest::gtest_main)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  # Each part (a pattern of gtest's) is a test of its own, that runs beside the rest.
  list(JOIN ARG_PARTS ":" others)
  set(tests ${name})
  foreach(part IN LISTS ARG_PARTS)
    string(MAKE_C_IDENTIFIER "${name}_${part}" part_name)
    add_test(NAME ${part_name} COMMAND ${name} --gtest_filter=${part})
    list(APPEND tests ${part_name})
  endforeach()
  add_test(NAME ${name} COMMAND ${name} --gtest_filter=*-${others})
  set_tests_properties(${tests} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
    ENVIRONMENT "CNF_SHARED_DATA=${CNF_SHARED_DATA};CNF_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
endfunction()

# cnf_fuzz(fuzz_btree SOURCES btree_fuzz.cc CORPUS corpus/btree DEPS cnf::index …): a libFuzzer target under
# CNF_FUZZ. In every other build it is an ordinary test that replays its corpus, so that it cannot rot.
# PARTS: the input is made of parts (fuzz/harness.h), which fuzz/parts_mutator.cc keeps whole.
function(cnf_fuzz name)
  cmake_parse_arguments(ARG "PARTS" "CORPUS" "SOURCES;DEPS" ${ARGN})
  cmake_path(ABSOLUTE_PATH ARG_CORPUS BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE corpus)
  if(CNF_FUZZ)
    if(ARG_PARTS)
      list(APPEND ARG_SOURCES ${PROJECT_SOURCE_DIR}/fuzz/parts_mutator.cc)
    endif()
    add_executable(${name} ${ARG_SOURCES})
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    # scripts/fuzz.sh reads which corpus belongs to which program.
    file(APPEND ${PROJECT_BINARY_DIR}/fuzz_targets.txt "${name} ${corpus}\n")
  else()
    add_executable(${name} ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/fuzz/replay.cc)
    add_test(NAME ${name} COMMAND ${name} ${corpus})
    set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS fuzz)
  endif()
  target_link_libraries(${name} PRIVATE cnf_options ${ARG_DEPS})
endfunction()
if(CNF_FUZZ)
  file(WRITE ${PROJECT_BINARY_DIR}/fuzz_targets.txt "")
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

set(CNF_SHARED_DATA ${PROJECT_SOURCE_DIR}/../shared/data CACHE PATH
    "Real files from the field; tests that need them say so when the folder is absent")
