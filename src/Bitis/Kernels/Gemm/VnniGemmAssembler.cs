using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bitis.Kernels.Gemm;

/// <summary>Writes the machine code of the 512-bit 8-bit dot product, which .NET 10 has no intrinsics for.</summary>
/// <remarks>
/// The result is a leaf function <c>void kernel(VnniGemmCall*)</c> of the System V calling convention. A tile of R rows
/// × 16·V columns stays in registers.
/// <code>
///                        w0      w1      w2      w3          16 columns × 4 neighbours along K, each
///   a[0, k…k+3]          c00     c01     c02     c03
///   a[1, k…k+3]          c10     c11     c12     c13         per group of k: V loads, R broadcasts, R·V dot products
///   ...                                                      6 × 4: 24 sums + 4 weights + 2 inputs of 32 registers
/// </code>
/// Two dot products a cycle with a latency of 4 or 5 need at least 10 sums. Narrower panels take more rows.
/// </remarks>
internal sealed class VnniGemmAssembler
{
    private const int RegisterBytes = 64;

    // Of four values along K: fewer take less time than their sums' memory takes to arrive.
    private const int FewestGroupsToPrefetch = 24;

    private static readonly AssemblerRegisterZMM[] Registers =
    [
        zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm13, zmm14, zmm15,
        zmm16, zmm17, zmm18, zmm19, zmm20, zmm21, zmm22, zmm23, zmm24, zmm25, zmm26, zmm27, zmm28, zmm29, zmm30, zmm31,
    ];

    // Each base address serves three rows: itself, + lda, + 2·lda.
    private static readonly AssemblerRegister64[] RowBases = [r8, r9, r10, r11];

    private readonly Assembler _code = new(64) { PreferVex = false };
    private readonly int _rows;
    private readonly int _vectors;
    private readonly VnniGemmEpilogue _epilogue;

    private VnniGemmAssembler(int rows, int vectors, VnniGemmEpilogue epilogue)
    {
        _rows = rows;
        _vectors = vectors;
        _epilogue = epilogue;
    }

    /// <summary>Assembles a kernel.</summary>
    /// <param name="rows">R, up to <see cref="MaxRows"/>.</param>
    /// <param name="vectors">V, 1 to 4.</param>
    /// <param name="epilogue">How the sums are written.</param>
    /// <returns>Position-independent machine code.</returns>
    public static byte[] Assemble(int rows, int vectors, VnniGemmEpilogue epilogue)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, MaxRows(vectors));
        var assembler = new VnniGemmAssembler(rows, vectors, epilogue);
        assembler.WriteKernel();
        using var stream = new MemoryStream();
        assembler._code.Assemble(new StreamCodeWriter(stream), rip: 0);
        return stream.ToArray();
    }

    /// <summary>The most rows whose sums fit the registers beside V weights and two inputs.</summary>
    public static int MaxRows(int vectors) => vectors switch
    {
        4 => 6,
        3 => 8,
        2 or 1 => 12,
        _ => throw new ArgumentOutOfRangeException(nameof(vectors)),
    };

    private static AssemblerMemoryOperand Argument(string field) =>
        __qword_ptr[rdi + (int)System.Runtime.InteropServices.Marshal.OffsetOf<VnniGemmCall>(field)];

    /// <summary>Whether sums are written without being dequantized.</summary>
    private bool IsRaw => _epilogue is VnniGemmEpilogue.Sums or VnniGemmEpilogue.AddSums;

    private AssemblerRegisterZMM Sum(int row, int vector) => Registers[(row * _vectors) + vector];

    private AssemblerRegisterZMM Weight(int vector) => Registers[32 - _vectors + vector];

    private void WriteKernel()
    {
        AssemblerRegister64[] saved = [rbx, rbp, r12, r13, r14, r15];
        foreach (AssemblerRegister64 register in saved)
            _code.push(register);
        _code.mov(rsi, Argument(nameof(VnniGemmCall.Lda)));
        _code.mov(rbx, Argument(nameof(VnniGemmCall.C)));
        _code.mov(rbp, Argument(nameof(VnniGemmCall.Ldc)));
        _code.mov(r12, Argument(nameof(VnniGemmCall.TokenScales)));
        _code.mov(r13, Argument(nameof(VnniGemmCall.ZeroPoints)));
        _code.mov(r14, Argument(nameof(VnniGemmCall.Tiles)));
        _code.mov(r15, Argument(nameof(VnniGemmCall.A)));
        _code.mov(rax, Argument(nameof(VnniGemmCall.LastMask)));
        _code.kmovw(k1, eax);

        Label tile = _code.CreateLabel();
        _code.Label(ref tile);
        WriteProducts();
        WriteEpilogue();
        _code.imul(rax, rsi, _rows);
        _code.add(r15, rax);
        _code.dec(r14);
        _code.jne(tile);

        _code.vzeroupper();
        foreach (AssemblerRegister64 register in saved.Reverse())
            _code.pop(register);
        _code.ret();
    }

    private void WriteProducts()
    {
        WriteFirstSums();
        _code.mov(rdx, Argument(nameof(VnniGemmCall.Panel)));
        _code.mov(rcx, Argument(nameof(VnniGemmCall.Groups)));
        _code.lea(rax, __[rsi + (rsi * 2)]);
        int bases = (_rows + 2) / 3;
        for (int i = 0; i < bases; i++)
        {
            if (i == 0)
                _code.mov(RowBases[i], r15);
            else
                _code.lea(RowBases[i], __[RowBases[i - 1] + rax]);
        }
        if (_epilogue == VnniGemmEpilogue.Add)
            WritePrefetch();
        _code.mov(rax, Argument(nameof(VnniGemmCall.GroupStride)));
        Label loop = _code.CreateLabel(), end = _code.CreateLabel();
        _code.test(rcx, rcx);
        _code.je(end);
        _code.Label(ref loop);
        for (int vector = 0; vector < _vectors; vector++)
            _code.vmovdqu64(Weight(vector), __zmmword_ptr[rdx + (RegisterBytes * vector)]);
        for (int row = 0; row < _rows; row++)
        {
            // Two inputs in turn, so that a broadcast does not wait for the products of the one before.
            AssemblerRegisterZMM input = Registers[32 - _vectors - 1 - (row % 2)];
            _code.vpbroadcastd(input, Input(row));
            for (int vector = 0; vector < _vectors; vector++)
                _code.vpdpbusd(Sum(row, vector), input, Weight(vector));
        }
        for (int i = 0; i < bases; i++)
            _code.add(RowBases[i], rax);
        _code.add(rdx, RegisterBytes * _vectors);
        _code.dec(rcx);
        _code.jne(loop);
        _code.Label(ref end);
    }

    /// <summary>Fetches what the sums will be added to, while they are computed.</summary>
    /// <remarks>
    /// The gradients of a model's weights do not fit the nearer caches. Short sums are not worth it: they are added to
    /// maps, which do. The rows need not start at a cache line, so a row may touch one line more.
    /// </remarks>
    private void WritePrefetch()
    {
        Label isShort = _code.CreateLabel();
        _code.cmp(rcx, FewestGroupsToPrefetch);
        _code.jb(isShort);
        _code.mov(rax, rbx);
        for (int row = 0; row < _rows; row++)
        {
            for (int vector = 0; vector < _vectors; vector++)
                _code.prefetchw(__byte_ptr[rax + (RegisterBytes * vector)]);
            _code.prefetchw(__byte_ptr[rax + (RegisterBytes * _vectors) - 1]);
            _code.add(rax, rbp);
        }
        _code.Label(ref isShort);
    }

    /// <summary>What the sums begin with: −zero·columnSum, or 0 for raw sums.</summary>
    private void WriteFirstSums()
    {
        AssemblerRegisterZMM zero = zmm31, negative = zmm30;
        if (!IsRaw)
        {
            _code.mov(rax, Argument(nameof(VnniGemmCall.ColumnSums)));
            _code.mov(rdx, Argument(nameof(VnniGemmCall.ParameterStride)));
            _code.vpxord(zero, zero, zero);
        }
        for (int row = 0; row < _rows; row++)
        {
            if (!IsRaw)
            {
                _code.vpsubd(negative, zero, __dword_bcst[r13]);
                _code.add(r13, rdx);
            }
            for (int vector = 0; vector < _vectors; vector++)
            {
                AssemblerRegisterZMM sum = Sum(row, vector);
                if (IsRaw)
                    _code.vpxord(sum, sum, sum);
                else
                    _code.vpmulld(sum, negative, __zmmword_ptr[rax + (RegisterBytes * vector)]);
            }
        }
    }

    private static AssemblerMemoryOperand Input(int row) => (row % 3) switch
    {
        0 => __dword_ptr[RowBases[row / 3]],
        1 => __dword_ptr[RowBases[row / 3] + rsi],
        _ => __dword_ptr[RowBases[row / 3] + (rsi * 2)],
    };

    /// <summary>sum·(tokenScale·scale) + bias, each operation rounded, as all forms do it.</summary>
    private void WriteEpilogue()
    {
        AssemblerRegisterZMM tokenScale = zmm31, scratch = zmm30;
        _code.mov(r9, Argument(nameof(VnniGemmCall.Scales)));
        _code.mov(r10, Argument(nameof(VnniGemmCall.Bias)));
        _code.mov(r11, Argument(nameof(VnniGemmCall.ParameterStride)));
        for (int row = 0; row < _rows; row++)
        {
            if (!IsRaw)
            {
                _code.vbroadcastss(tokenScale, __dword_ptr[r12]);
                _code.add(r12, r11);
            }
            for (int vector = 0; vector < _vectors; vector++)
            {
                AssemblerRegisterZMM sum = Sum(row, vector);
                int offset = RegisterBytes * vector;
                bool isLast = vector == _vectors - 1;
                AssemblerMemoryOperand target = __zmmword_ptr[rbx + offset];
                if (!IsRaw)
                {
                    _code.vcvtdq2ps(sum, sum);
                    _code.vmulps(scratch, tokenScale, __zmmword_ptr[r9 + offset]);
                    _code.vmulps(sum, sum, scratch);
                    _code.vaddps(sum, sum, __zmmword_ptr[r10 + offset]);
                }
                if (_epilogue == VnniGemmEpilogue.AddSums)
                {
                    _code.vmovdqu32(isLast ? scratch.k1.z : scratch, target);
                    _code.vpaddd(sum, sum, scratch);
                }
                if (_epilogue == VnniGemmEpilogue.Add)
                {
                    _code.vmovups(isLast ? scratch.k1.z : scratch, target);
                    _code.vaddps(sum, scratch, sum);
                }
                _code.vmovups(isLast ? target.k1 : target, sum);
            }
            _code.add(rbx, rbp);
        }
    }
}
