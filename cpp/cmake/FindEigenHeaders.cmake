# Sets GATEWISE_EIGEN_INCLUDE_DIR to the headers of Eigen 3.4 or later: those of an installed Eigen3, or else those of the
# Python package cmeel-eigen. The version is compared here, because find_package(Eigen3 3.4) would reject version 5.
if(NOT GATEWISE_EIGEN_INCLUDE_DIR)
  find_package(Eigen3 QUIET NO_MODULE)
  if(TARGET Eigen3::Eigen AND NOT Eigen3_VERSION VERSION_LESS 3.4)
    get_target_property(GATEWISE_EIGEN_INCLUDE_DIR Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
  else()
    find_program(GATEWISE_PYTHON_PROGRAM NAMES ${Python_EXECUTABLE} python3 python)
    execute_process(
      COMMAND ${GATEWISE_PYTHON_PROGRAM} -c
              "import importlib.metadata as m; print(m.distribution('cmeel-eigen').locate_file('cmeel.prefix/include/eigen3').as_posix())"
      OUTPUT_VARIABLE GATEWISE_EIGEN_INCLUDE_DIR OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
if(NOT GATEWISE_EIGEN_INCLUDE_DIR)
  message(FATAL_ERROR "gatewise needs the headers of Eigen 3.4 or later: install Eigen3, or the Python package "
                      "cmeel-eigen, or set GATEWISE_EIGEN_INCLUDE_DIR")
endif()
message(STATUS "gatewise: Eigen in ${GATEWISE_EIGEN_INCLUDE_DIR}")
