from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.devices.printer import BadAddress, File, Reach, SerialPort, Tcp, Usb, parse_address
from hub.devices.printer.address import ADDRESS_CHARACTERS_MAX

SHOP = Reach()


def refusal(address, reach=SHOP):
    with pytest.raises(BadAddress) as caught:
        parse_address(address, reach=reach)
    return caught.value.code


def test_a_network_printer_is_a_number_and_a_port():
    printer = parse_address(" tcp://192.168.1.50:9101 ", reach=SHOP)
    assert isinstance(printer, Tcp)
    assert (printer.host, printer.port) == ("192.168.1.50", 9101)
    assert parse_address("TCP://10.0.0.9", reach=SHOP).port == 9100
    assert parse_address("tcp://[fd00::5]:9100", reach=SHOP).host == "fd00::5"


def test_a_usb_printer_is_its_device():
    printer = parse_address("usb:/dev/usb/lp0", reach=SHOP)
    assert isinstance(printer, Usb)
    assert printer.path == "/dev/usb/lp0"
    assert parse_address("usb:/dev/dianshu/printer-front", reach=SHOP).path.endswith("front")


def test_a_serial_printer_has_speed_and_flow():
    printer = parse_address("serial:/dev/ttyUSB0", reach=SHOP)
    assert isinstance(printer, SerialPort)
    assert (printer.path, printer.baud, printer.flow) == ("/dev/ttyUSB0", 9600, "none")
    by_id = "serial:/dev/serial/by-id/usb-FTDI_FT232R-if00-port0?baud=115200&flow=rtscts"
    assert parse_address(by_id, reach=SHOP).baud == 115200
    assert parse_address(by_id, reach=SHOP).flow == "rtscts"


def test_a_file_printer_lies_in_the_folder_that_was_given(tmp_path):
    reach = Reach(folder=tmp_path)
    printer = parse_address(f"file:{tmp_path}/receipts.bin", reach=reach)
    assert isinstance(printer, File)
    assert printer.path == f"{tmp_path}/receipts.bin"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("", "address_length"),
        ("tcp://10.0.0.1" + "0" * ADDRESS_CHARACTERS_MAX, "address_length"),
        ("usb:/dev/usb/lp0\x00", "address_length"),
        ("192.168.1.50", "address_kind"),
        ("http://192.168.1.50:9100", "address_kind"),
        ("tcp:", "address_host"),
        ("tcp://printer.local:9100", "address_host"),
        ("tcp://3232235826:9100", "address_host"),
        ("tcp://192.168.1.50:9100/x", "address_host"),
        ("tcp://user@192.168.1.50:9100", "address_host"),
        ("tcp://[fd00::5:9100", "address_host"),
        ("tcp://192.168.1.50:22", "address_port"),
        ("tcp://192.168.1.50:0", "address_port"),
        ("tcp://192.168.1.50:99999", "address_port"),
        ("tcp://192.168.1.50:abc", "address_port"),
        ("tcp://8.8.8.8:9100", "address_network"),
        ("tcp://127.0.0.1:9100", "address_network"),
        ("tcp://[::1]:9100", "address_network"),
        ("tcp://[::ffff:127.0.0.1]:9100", "address_network"),
        ("tcp://169.254.169.254:9100", "address_network"),
        ("tcp://0.0.0.0:9100", "address_network"),
        ("usb:/dev/sda", "address_device"),
        ("usb:/dev/usb/../sda", "address_device"),
        ("usb:/dev/dianshu/../mem", "address_device"),
        ("usb:lp0", "address_device"),
        ("serial:/dev/pts/1", "address_device"),
        ("serial:/dev/tty1", "address_device"),
        ("serial:/dev/ttyUSB0?baud=9601", "address_option"),
        ("serial:/dev/ttyUSB0?baud=", "address_option"),
        ("serial:/dev/ttyUSB0?flow=dsr", "address_option"),
        ("serial:/dev/ttyUSB0?baud=9600&baud=19200", "address_option"),
        ("serial:/dev/ttyUSB0?parity=even", "address_option"),
        ("file:/tmp/receipts.bin", "address_folder"),
    ],
)
def test_an_address_that_is_no_printer_of_this_shop_is_refused(address, code):
    assert refusal(address) == code


@pytest.mark.parametrize("path", ["/etc/passwd", "{}/../x", "{}/a/b", "{}/..", "{}/", "x"])
def test_a_file_elsewhere_is_refused(path, tmp_path):
    assert refusal("file:" + path.format(tmp_path), Reach(folder=tmp_path)) == "address_folder"


def test_a_known_network_leaves_the_other_private_ones_out():
    reach = Reach(networks=(ipaddress.ip_network("192.168.1.0/24"),))
    assert parse_address("tcp://192.168.1.50", reach=reach).host == "192.168.1.50"
    assert refusal("tcp://192.168.2.50", reach) == "address_network"


def test_simulated_printers_are_reached_only_where_they_are_meant():
    reach = Reach(simulated=True)
    assert parse_address("tcp://127.0.0.1:40123", reach=reach).port == 40123
    assert parse_address("serial:/dev/pts/3", reach=reach).path == "/dev/pts/3"
    assert refusal("tcp://8.8.8.8:40123", reach) == "address_network"


@given(
    st.sampled_from(["", "tcp://", "usb:", "serial:", "file:", "serial:/dev/ttyS0?"]),
    st.one_of(st.text(max_size=60), st.text("0123456789.:[]/?&=@%-", max_size=40)),
)
def test_anything_typed_is_an_address_or_a_bad_address(kind, rest):
    try:
        printer = parse_address(kind + rest, reach=SHOP)
    except BadAddress:
        return
    assert isinstance(printer, Tcp | Usb | SerialPort)
