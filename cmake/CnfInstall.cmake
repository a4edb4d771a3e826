# What is installed: one CMake export and one .pc file a component, the headers under include/cnf, the program.

get_property(components GLOBAL PROPERTY CNF_COMPONENTS)
list(REMOVE_DUPLICATES components)

# cnf::core is all of the core at once. A format's component is its one library.
get_property(core_libraries GLOBAL PROPERTY CNF_LIBRARIES_core)
add_library(cnf_core INTERFACE)
add_library(cnf::core ALIAS cnf_core)
set_target_properties(cnf_core PROPERTIES EXPORT_NAME core)
target_link_libraries(cnf_core INTERFACE ${core_libraries})

if(NOT CNF_INSTALL)
  return()
endif()

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cnf)
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH CNF_PC_TO_PREFIX /prefix/${pc_dir} /prefix)
string(REGEX REPLACE "/$" "" CNF_PC_TO_PREFIX ${CNF_PC_TO_PREFIX})

# What each component's .pc file requires, by pkg-config's names; cnf-config.cmake.in says the same in CMake's.
set(pc_requires_core "libcurl libcrypto libzstd >= 1.5.4 liblz4 libdeflate libisal pugixml fmt")
set(pc_requires_hts "cnf htslib >= 1.16")
set(pc_requires_zarr "cnf")
set(pc_requires_em "cnf libpng libtiff-4 zlib")
set(pc_libs_zarr " -lbz2")  # Debian has no bzip2.pc
set(pc_libs_em " -lbz2")
set(pc_requires_bams3 "cnf-hts")
set(pc_requires_vcfs3 "cnf-hts")
set(pc_requires_cryoem "cnf-zarr cnf-em")
set(pc_requires_testing "cnf gmock")

install(TARGETS cnf_core EXPORT cnf-core)
foreach(component IN LISTS components)
  get_property(libraries GLOBAL PROPERTY CNF_LIBRARIES_${component})
  install(TARGETS ${libraries} EXPORT cnf-${component} FILE_SET HEADERS)
  install(EXPORT cnf-${component} NAMESPACE cnf:: DESTINATION ${package_dir})

  # Static libraries are linked users first: against the order of the layers.
  set(CNF_PC_LIBS "")
  foreach(library IN LISTS libraries)
    string(PREPEND CNF_PC_LIBS " -l${library}")
  endforeach()
  string(APPEND CNF_PC_LIBS "${pc_libs_${component}}")
  set(CNF_PC_REQUIRES ${pc_requires_${component}})
  set(CNF_PC_NAME cnf-${component})
  if(component STREQUAL "core")
    set(CNF_PC_NAME cnf)
  endif()
  configure_file(${CMAKE_CURRENT_LIST_DIR}/cnf.pc.in ${PROJECT_BINARY_DIR}/${CNF_PC_NAME}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${CNF_PC_NAME}.pc DESTINATION ${pc_dir})
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/cnf-config.cmake.in
  ${PROJECT_BINARY_DIR}/cnf-config.cmake INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cnf-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cnf-config.cmake ${PROJECT_BINARY_DIR}/cnf-config-version.cmake
  DESTINATION ${package_dir})

if(TARGET cnf)
  install(TARGETS cnf)
endif()
