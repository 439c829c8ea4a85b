"""nvidia-smi, dmon, Nsight Compute, Nsight Systems. Layouts as the tools print them; values invented."""

from __future__ import annotations

import pytest

from chimera_pipeline.readers import registry
from chimera_pipeline.records import ArtifactStatus, Format, Reading
from chimera_pipeline.settings import Limits


def read(text: str, kind: Format = Format.CSV) -> Reading:
    return registry.read(text.encode(), kind, Limits())


QUERY = """timestamp, index, name, utilization.gpu [%], memory.used [MiB], power.draw [W], temperature.gpu, clocks.current.sm [MHz], pstate
2024/01/16 14:44:16.981, 0, NVIDIA A100-SXM4-40GB, 45 %, 1024 MiB, 250.50 W, 61, 1410 MHz, P0
2024/01/16 14:44:17.981, 1, NVIDIA A100-SXM4-40GB, [N/A], 1024 MiB, [Not Supported], 62, [Unknown Error], P0
"""  # noqa: E501


def test_each_counter_of_nvidia_smi_is_a_sample_in_its_unit() -> None:
    reading = read(QUERY)
    found = {(row["device"], row["metric"]): (row["value"], row["unit"]) for row in reading.rows["system_samples"]}
    assert found == {
        ("gpu0", "gpu_utilization"): (45.0, "percent"),
        ("gpu0", "gpu_memory_used"): (1024 * 1024.0 * 1024, "bytes"),
        ("gpu0", "gpu_power"): (250.5, "W"),
        ("gpu0", "gpu_temperature"): (61.0, "degC"),
        ("gpu0", "gpu_clock_sm"): (1410.0, "MHz"),
        ("gpu1", "gpu_memory_used"): (1024 * 1024.0 * 1024, "bytes"),
        ("gpu1", "gpu_temperature"): (62.0, "degC"),
    }
    row = reading.rows["system_samples"][0]
    assert (row["at"], row["time_naive"]) == ("2024-01-16T14:44:16.981000+00:00", True)
    assert row["hardware"] == "NVIDIA_A100-SXM4-40GB"
    assert reading.records_ok == 2


def test_cells_without_units_take_those_of_the_header() -> None:
    text = "utilization.gpu [%], memory.used [MiB]\n45, 2\n"
    found = [(row["value"], row["unit"]) for row in read(text).rows["system_samples"]]
    assert found == [(45.0, "percent"), (2097152.0, "bytes")]


def test_a_cell_in_an_unexpected_unit_is_refused() -> None:
    reading = read("utilization.gpu [%], power.draw [W]\n45 MiB, 2 W\n50 %, 3 W\n")
    assert [rejection.reason for rejection in reading.rejections] == ["unknown_unit"]
    assert reading.records_ok == 1


def test_a_header_repeated_by_appending_is_no_sample() -> None:
    text = "name, utilization.gpu [%]\nA, 45 %\nname, utilization.gpu [%]\nA, 46 %\n"
    reading = read(text)
    assert [row["value"] for row in reading.rows["system_samples"]] == [45.0, 46.0]
    assert reading.status is ArtifactStatus.OK


DMON = """#Date       Time        gpu   pwr gtemp mtemp    sm   mem   enc   dec  mclk  pclk    fb rxpci
#YYYYMMDD   HH:MM:SS    Idx     W     C     C     %     %     %     %   MHz   MHz    MB  MB/s
 20240104   13:54:35      0   250    45     -    92     1     0     0  2619  1980   239     5
#Date       Time        gpu   pwr gtemp mtemp    sm   mem   enc   dec  mclk  pclk    fb rxpci
#YYYYMMDD   HH:MM:SS    Idx     W     C     C     %     %     %     %   MHz   MHz    MB  MB/s
 20240104   13:54:36      0   251
"""


def test_dmon_is_told_by_its_two_comment_lines() -> None:
    reading = read(DMON, Format.TEXT)
    found = {row["metric"]: row["value"] for row in reading.rows["system_samples"]}
    assert found["gpu_power"] == 250.0
    assert found["gpu_utilization"] == 92.0
    assert found["gpu_memory_used"] == 239 * 1024.0 * 1024
    assert found["gpu_pcie_received_per_s"] == 5e6
    assert "gpu_memory_temperature" not in found
    assert {row["at"] for row in reading.rows["system_samples"]} == {"2024-01-04T13:54:35.000000+00:00"}
    assert [rejection.reason for rejection in reading.rejections] == ["ragged_row"]


def test_dmon_as_csv_has_the_same_columns() -> None:
    text = "#gpu, pwr, gtemp, sm\n#Idx, W, C, %\n0, 250, 45, 92\n"
    found = {row["metric"]: row["value"] for row in read(text).rows["system_samples"]}
    assert found == {"gpu_power": 250.0, "gpu_temperature": 45.0, "gpu_utilization": 92.0}


def test_process_monitoring_is_not_device_monitoring() -> None:
    text = "# gpu  pid  type  sm  mem  command\n# Idx   #   C/G   %   %   name\n 0 1 C 98 56 python\n"
    assert read(text, Format.TEXT).tool != "nvidia-smi"


RAW = """"ID","Process ID","Kernel Name","Block Size","Grid Size","Device","device__attribute_display_name","gpu__time_duration.sum","sm__warps_active.avg.pct_of_peak_sustained_active","launch__grid_size"
"","","","","","","","us","%",""
"0","24004","void quant<1>(const float *, int)","(128, 1, 1)","(162, 8, 1)","0","NVIDIA GeForce RTX 4080","9.408000","75.726338","22,80,000"
"1","24004","void quant<1>(const float *, int)","(128, 1, 1)","(162, 8, 1)","0","NVIDIA GeForce RTX 4080","1,234.500000","75.0","1,296"
"""  # noqa: E501


def test_the_second_row_of_the_raw_page_holds_units() -> None:
    reading = read(RAW)
    one, two = reading.rows["timings"]
    assert (one["mean_s"], one["n"], one["locator"]) == (pytest.approx(9.408e-06), 1, "row 2")
    assert two["mean_s"] == pytest.approx(0.0012345)
    assert one["case"] == two["case"]
    assert one["case"].startswith("quant_1@")
    assert (one["workload"], one["hardware"]) == ("grid_162x8x1_block_128x1x1", "NVIDIA_GeForce_RTX_4080")
    share = reading.rows["system_samples"][0]
    assert (share["metric"], share["value"], share["unit"]) == (
        "gpu_achieved_occupancy",
        75.726338,
        "percent",
    )
    assert reading.records_ok == 2


def test_lines_of_the_profiler_before_the_table_are_skipped() -> None:
    reading = read("==PROF== Connected to process 1\nkernel, done\n" + RAW)
    assert [row["locator"] for row in reading.rows["timings"]] == ["line 5", "line 6"]


def test_a_decimal_comma_holds_for_the_whole_file() -> None:
    text = RAW.replace('"9.408000"', '"9,408000"').replace('"1,234.500000"', '"1.234,500000"')
    one, two = read(text).rows["timings"]
    assert (one["mean_s"], two["mean_s"]) == pytest.approx((9.408e-06, 0.0012345))


def test_a_grouping_that_could_be_a_decimal_comma_is_refused() -> None:
    reading = read(RAW.replace('"9.408000"', '"9,40"'))
    assert [rejection.reason for rejection in reading.rejections] == ["bad_number"]
    assert len(reading.rows["timings"]) == 1


def test_the_details_page_has_a_row_a_metric() -> None:
    names = "ID,Process ID,Kernel Name,Context,Device,Section Name,Metric Name,Metric Unit,Metric Value"
    head = ",".join(f'"{name}"' for name in names.split(",")) + "\n"
    body = "".join(
        f'"{launch}","1","add(float*)","1","0","S","{name}","{unit}","{value}"\n'
        for launch in (0, 1)
        for name, unit, value in (("Duration", "usecond", "2.50"), ("Memory Throughput", "%", "81.5"))
    )
    reading = read(head + body)
    assert [row["mean_s"] for row in reading.rows["timings"]] == [2.5e-06, 2.5e-06]
    assert [row["value"] for row in reading.rows["system_samples"]] == [81.5, 81.5]


def test_the_kernel_summary_of_nsight_systems_is_nanoseconds() -> None:
    text = (
        "Time (%),Total Time (ns),Instances,Avg (ns),Med (ns),Min (ns),Max (ns),StdDev (ns),Name\n"
        '60.0,3000,3,1000.0,900.0,800,1300,200.0,"add(float*, int)"\n'
        "40.0,2000,1,2000.0,2000.0,2000,2000,0.0,memset\n"
    )
    many, single = read(text).rows["timings"]
    assert (many["case"], many["n"], many["mean_s"], many["std_s"]) == ("add", 3, 1e-06, 2e-07)
    assert (single["n"], single["std_s"]) == (1, None)
