import zipfile
info = 'hello_nono-1.0.dist-info/'
files = {
    'hello_nono.py': 'import sys\ndef main():\n    print("hello from the wheel", file=sys.stderr)\n',
    info + 'METADATA': 'Metadata-Version: 2.1\nName: hello-nono\nVersion: 1.0\n',
    info + 'WHEEL': 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    info + 'entry_points.txt': '[console_scripts]\nhello-nono = hello_nono:main\n',
}
files[info + 'RECORD'] = ''.join(name + ',,\n' for name in files) + info + 'RECORD,,\n'
with zipfile.ZipFile('hello_nono-1.0-py3-none-any.whl', 'w') as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
