using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bitis.Kernels.Scan.Assembled;

/// <summary>Writes the machine code of <see cref="IntegerScan"/> for a few tokens.</summary>
/// <remarks>
/// .NET 10 has no intrinsic for the 512-bit 16-bit dot product. The result is a leaf function
/// <c>void kernel(ScanChunkCall*)</c> of the System V calling convention. It walks over blocks of 16 channels. All
/// tokens of a block share the registers of states:
/// <code>
///   levels     Δ of 4 tokens × 16 channels → 64 bytes → multiples and codes by permutations of whole tables
///              u → qu → v = (qu·multiple)·f·s_B, each channel twice
///              16 bytes of a register: channels 4i … 4i+3 of token 0, of token 1, of token 2, of token 3
///
///   states     code  = max(codeA + codeΔ, 0)                      64 bytes: four states of a token
///              Ā     = unpack(permute(low, code), permute(high, code))
///              h     = (Ā ∗ h + v ∗ B + offset) &amp; mask           saturating; a register is two states
///              sum  += h·C + h'·C'                                 vpdpwssd with C from memory
///
///   zmm0–3     the table of Ā: 128 lower bytes, 128 upper bytes
///   zmm4, 5    the mask, 0
///   zmm6–9     sums            of tokens 0 to 3
///   zmm10–13   v               of tokens 0 to 3
///   zmm14–17   codes of Δ      of tokens 0 to 3
///   zmm18      codes of A      of four states
///   zmm19, 20  h               of two pairs of states
///   zmm21–23   Ā and v ∗ B
///   zmm24      the offset, where all states have the same
///   zmm25–31   the next block's levels
/// </code>
/// The levels of a block are one long chain of operations. So their instructions stand between those of the block
/// before, and go through memory. The last block's levels are computed twice. A constant is loaded once for all tokens:
/// two loads a cycle are as near a limit as four operations.
/// </remarks>
internal sealed class ScanAssembler
{
    /// <summary>Tokens that share a register of states.</summary>
    public const int MaxTokens = 4;

    /// <summary>The most pairs of states that a kernel is unrolled for.</summary>
    public const int MaxPairs = 16;

    private const int RegisterBytes = 64;

    private static readonly AssemblerRegister64 Call = rdi, Delta = rsi, U = rdx, Y = rcx, States = r12, Rates = r13;
    private static readonly AssemblerRegister64 Channel = r14, Tokens = r15, Address = rax;

    private static readonly (AssemblerRegister64 Once, AssemblerRegister64 Thrice) DeltaStride = (r8, r9);
    private static readonly (AssemblerRegister64 Once, AssemblerRegister64 Thrice) UStride = (r10, r11);
    private static readonly (AssemblerRegister64 Once, AssemblerRegister64 Thrice) YStride = (rbx, rbp);

    private static readonly AssemblerRegisterZMM Low0 = zmm0, Low1 = zmm1, High0 = zmm2, High1 = zmm3;
    private static readonly AssemblerRegisterZMM Mask = zmm4, Zero = zmm5;
    private static readonly AssemblerRegisterZMM[] Sums = [zmm6, zmm7, zmm8, zmm9];
    private static readonly AssemblerRegisterZMM[] Inputs = [zmm10, zmm11, zmm12, zmm13];
    private static readonly AssemblerRegisterZMM[] Codes = [zmm14, zmm15, zmm16, zmm17];
    private static readonly AssemblerRegisterZMM Rate = zmm18, Lows = zmm21, Highs = zmm22, Decay = zmm23;
    private static readonly AssemblerRegisterZMM[] H = [zmm19, zmm20];
    private static readonly AssemblerRegisterZMM Offset = zmm24, Constant = zmm25;
    private static readonly AssemblerRegisterZMM[] Levels = [zmm26, zmm27, zmm28, zmm29];

    private readonly ScanKernelForm _form;
    private readonly ScanTokenLayout _layout;
    private Assembler _code = new(64) { PreferVex = false };

    private ScanAssembler(ScanKernelForm form) => (_form, _layout) = (form, new ScanTokenLayout(form.Pairs));

    /// <summary>Assembles a kernel.</summary>
    /// <returns>Position-independent machine code.</returns>
    public static byte[] Assemble(ScanKernelForm form)
    {
        if (form.Tokens is < 1 or > MaxTokens || form.Pairs is < 1 or > MaxPairs)
            throw new ArgumentOutOfRangeException(nameof(form), form, "So many tokens or states have no kernel.");
        var assembler = new ScanAssembler(form);
        assembler.WriteKernel();
        using var stream = new MemoryStream();
        assembler._code.Assemble(new StreamCodeWriter(stream), rip: 0);
        return stream.ToArray();
    }

    private static AssemblerMemoryOperand Argument(string field) => __qword_ptr[Call + OffsetOf(field)];

    private static AssemblerMemoryOperand Number(string field) => __dword_ptr[Call + OffsetOf(field)];

    private static int OffsetOf(string field) => (int)Marshal.OffsetOf<ScanChunkCall>(field);

    /// <summary>The row of a token, at the present channels.</summary>
    private static AssemblerMemoryOperand Row(
        AssemblerRegister64 start, (AssemblerRegister64 Once, AssemblerRegister64 Thrice) stride, int token) =>
        token switch
        {
            0 => __zmmword_ptr[start],
            1 => __zmmword_ptr[start + stride.Once],
            2 => __zmmword_ptr[start + (stride.Once * 2)],
            _ => __zmmword_ptr[start + stride.Thrice],
        };

    private void WriteKernel()
    {
        AssemblerRegister64[] saved = [rbx, rbp, r12, r13, r14, r15];
        foreach (AssemblerRegister64 register in saved)
            _code.push(register);
        LoadRows(Delta, nameof(ScanChunkCall.Delta), DeltaStride, nameof(ScanChunkCall.DeltaStride));
        LoadRows(U, nameof(ScanChunkCall.U), UStride, nameof(ScanChunkCall.UStride));
        LoadRows(Y, nameof(ScanChunkCall.Y), YStride, nameof(ScanChunkCall.YStride));
        _code.mov(States, Argument(nameof(ScanChunkCall.States)));
        _code.mov(Rates, Argument(nameof(ScanChunkCall.Rates)));
        _code.mov(Tokens, Argument(nameof(ScanChunkCall.Tokens)));
        _code.xor(Channel, Channel);
        _code.mov(Address, 0x3333_3333_3333_3333);
        _code.kmovq(k1, Address);
        _code.mov(Address, Argument(nameof(ScanChunkCall.DecayTables)));
        foreach ((int i, AssemblerRegisterZMM table) in new[] { Low0, Low1, High0, High1 }.Index())
            _code.vmovdqu64(table, __zmmword_ptr[Address + (RegisterBytes * i)]);
        _code.vpbroadcastd(Mask, __dword_ptr[Call + OffsetOf(nameof(ScanChunkCall.Mask))]);
        _code.vpxord(Zero, Zero, Zero);
        if (_form.HasOneOffset)
            _code.vpbroadcastd(Offset, __dword_ptr[Tokens + _layout.Offset(0, 0)]);

        WriteLevels();
        Label block = _code.CreateLabel();
        _code.Label(ref block);
        WriteStart();
        Interleave(Record(WriteStates), Record(WriteLevels));
        WriteOutputs();
        _code.dec(Argument(nameof(ScanChunkCall.Blocks)));
        _code.jne(block);

        _code.vzeroupper();
        foreach (AssemblerRegister64 register in saved.Reverse())
            _code.pop(register);
        _code.ret();
    }

    /// <summary>The instructions that a method writes.</summary>
    private IReadOnlyList<Instruction> Record(Action write)
    {
        Assembler code = _code;
        _code = new Assembler(64) { PreferVex = false };
        write();
        IReadOnlyList<Instruction> instructions = _code.Instructions;
        _code = code;
        return instructions;
    }

    /// <summary>Writes two lists of instructions, each in its order, evenly mixed.</summary>
    private void Interleave(IReadOnlyList<Instruction> first, IReadOnlyList<Instruction> second)
    {
        int next = 0;
        for (int i = 0; i < first.Count; i++)
        {
            _code.AddInstruction(first[i]);
            for (; next < (i + 1) * second.Count / first.Count; next++)
                _code.AddInstruction(second[next]);
        }
    }

    private void LoadRows(
        AssemblerRegister64 start,
        string startField,
        (AssemblerRegister64 Once, AssemblerRegister64 Thrice) stride,
        string strideField)
    {
        _code.mov(start, Argument(startField));
        _code.mov(stride.Once, Argument(strideField));
        _code.lea(stride.Thrice, __[stride.Once + (stride.Once * 2)]);
    }

    /// <summary>Takes the levels of this block, and moves on to those of the next if there is one.</summary>
    private void WriteStart()
    {
        for (int token = 0; token < _form.Tokens; token++)
        {
            _code.vmovdqa64(Inputs[token], Scratch(ScanTokenLayout.Input(token)));
            _code.vmovdqa64(Codes[token], Scratch(ScanTokenLayout.Code(token)));
            _code.vmovdqa64(Constant, Scratch(ScanTokenLayout.NextSkip(token)));
            _code.vmovdqa64(Scratch(ScanTokenLayout.Skip(token)), Constant);
            _code.vpxord(Sums[token], Sums[token], Sums[token]);
        }
        Label isLast = _code.CreateLabel();
        _code.cmp(Argument(nameof(ScanChunkCall.Blocks)), 1);
        _code.je(isLast);
        _code.add(Delta, RegisterBytes);
        _code.add(U, RegisterBytes);
        _code.add(Channel, RegisterBytes);
        _code.Label(ref isLast);
        _code.nop();
    }

    /// <summary>The levels of Δ and u of a block, its codes, v and D·u.</summary>
    private void WriteLevels()
    {
        AssemblerRegisterZMM index = Levels[0], scratch = Levels[1], codes = Levels[2], lows = zmm30, highs = zmm31;
        WriteDeltas(index, lows, highs);
        _code.mov(Address, Argument(nameof(ScanChunkCall.DeltaTables)));
        if (_form.HasLargeTables)
            _code.vpmovb2m(k2, index);
        LookUp(lows, index, scratch, 0);
        LookUp(highs, index, scratch, 256);
        LookUp(codes, index, scratch, 512);
        for (int token = 0; token < _form.Tokens; token++)
        {
            _code.vpshufb(scratch, codes, Scratch(ScanTokenLayout.CodeOrder(token)));
            _code.vmovdqa64(Scratch(ScanTokenLayout.Code(token)), scratch);
        }
        WriteInputs(lows, highs);
    }

    /// <summary>The levels of Δ of all tokens, as bytes.</summary>
    private void WriteDeltas(AssemblerRegisterZMM index, AssemblerRegisterZMM scratch, AssemblerRegisterZMM scratch2)
    {
        ForEachToken((token, level) => _code.vmovups(level, Row(Delta, DeltaStride, token)));
        _code.vbroadcastss(Constant, Number(nameof(ScanChunkCall.DeltaLowest)));
        ForEachToken((_, level) => _code.vsubps(level, level, Constant));
        _code.vbroadcastss(Constant, Number(nameof(ScanChunkCall.DeltaInverse)));
        ForEachToken((_, level) => _code.vmulps(level, level, Constant));
        _code.vbroadcastss(Constant, Number(nameof(ScanChunkCall.DeltaMax)));
        // NaN is passed on as the second operand, and the conversion gives the lowest number, which packing turns to
        // level 0.
        ForEachToken((_, level) => _code.vminps(level, Constant, level));
        ForEachToken((_, level) => _code.vcvtps2dq(level, level));
        AssemblerRegisterZMM LevelOf(int token) => Levels[Math.Min(token, _form.Tokens - 1)];
        _code.vpackssdw(scratch, LevelOf(0), LevelOf(1));
        _code.vpackssdw(scratch2, LevelOf(2), LevelOf(3));
        _code.vpackuswb(index, scratch, scratch2);
    }

    /// <summary>Entries of a table of 256 bytes, of which only 128 may be used.</summary>
    private void LookUp(
        AssemblerRegisterZMM entry, AssemblerRegisterZMM index, AssemblerRegisterZMM scratch, int offset)
    {
        Permute(entry, offset);
        if (!_form.HasLargeTables)
            return;
        Permute(scratch, offset + 128);
        _code.vmovdqu8(entry.k2, scratch);

        void Permute(AssemblerRegisterZMM target, int table)
        {
            _code.vmovdqa64(target, index);
            _code.vmovdqu64(Constant, __zmmword_ptr[Address + table]);
            _code.vpermi2b(target, Constant, __zmmword_ptr[Address + table + RegisterBytes]);
        }
    }

    /// <summary>v and D·u of all tokens.</summary>
    private void WriteInputs(AssemblerRegisterZMM lows, AssemblerRegisterZMM highs)
    {
        LoadChannels(nameof(ScanChunkCall.UInverse));
        ForEachToken((token, level) => _code.vmulps(level, Constant, Row(U, UStride, token)));
        ForEachToken((_, level) => _code.vrndscaleps(level, level, 0));
        // The second operand comes out where the first is NaN, so NaN becomes the lowest level.
        LoadChannels(nameof(ScanChunkCall.ULow));
        ForEachToken((_, level) => _code.vmaxps(level, level, Constant));
        LoadChannels(nameof(ScanChunkCall.UHigh));
        ForEachToken((_, level) => _code.vminps(level, level, Constant));
        _code.mov(Address, Argument(nameof(ScanChunkCall.Skip)));
        ForEachToken((token, level) =>
        {
            _code.vmulps(Constant, level, __zmmword_ptr[Address + Channel]);
            _code.vmovdqa64(Scratch(ScanTokenLayout.NextSkip(token)), Constant);
        });
        ForEachToken((token, level) =>
        {
            _code.vmovdqa64(Constant, Scratch(ScanTokenLayout.MultipleOrder(token)));
            _code.vpermi2b(Constant.k1.z, lows, highs);
            _code.vcvtdq2ps(Constant, Constant);
            _code.vmulps(level, level, Constant);
        });
        LoadChannels(nameof(ScanChunkCall.InputFactors));
        ForEachToken((_, level) => _code.vmulps(level, level, Constant));
        _code.mov(Address, Argument(nameof(ScanChunkCall.BScales)));
        ForEachToken((token, level) => _code.vmulps(level, level, __dword_bcst[Address + (sizeof(float) * token)]));
        // NaN is passed on as the second operand. For NaN and numbers that are too low, the conversion gives the lowest
        // number, which packing saturates.
        _code.vbroadcastss(Constant, Number(nameof(ScanChunkCall.Highest)));
        ForEachToken((_, level) => _code.vminps(level, Constant, level));
        ForEachToken((_, level) => _code.vcvtps2dq(level, level));
        for (int token = 0; token < _form.Tokens; token += 2)
        {
            bool hasNext = token + 1 < _form.Tokens;
            _code.vpackssdw(lows, Levels[token], Levels[hasNext ? token + 1 : token]);
            _code.vpunpcklwd(highs, lows, lows);
            _code.vmovdqa64(Scratch(ScanTokenLayout.Input(token)), highs);
            if (!hasNext)
                continue;
            _code.vpunpckhwd(highs, lows, lows);
            _code.vmovdqa64(Scratch(ScanTokenLayout.Input(token + 1)), highs);
        }
    }

    private void ForEachToken(Action<int, AssemblerRegisterZMM> write)
    {
        for (int token = 0; token < _form.Tokens; token++)
            write(token, Levels[token]);
    }

    /// <summary>Loads a number of each channel.</summary>
    private void LoadChannels(string field)
    {
        _code.mov(Address, Argument(field));
        _code.vmovups(Constant, __zmmword_ptr[Address + Channel]);
    }

    private static AssemblerMemoryOperand Scratch(int offset) => __zmmword_ptr[Tokens + offset];

    /// <summary>The recurrence: all tokens for two pairs of states, then for the next.</summary>
    private void WriteStates()
    {
        for (int pair = 0; pair < _form.Pairs; pair += H.Length)
        {
            int count = Math.Min(H.Length, _form.Pairs - pair);
            _code.vmovdqu64(Rate, __zmmword_ptr[Rates + (RegisterBytes * (pair / 2))]);
            for (int i = 0; i < count; i++)
                _code.vmovdqu64(H[i], __zmmword_ptr[States + (RegisterBytes * (pair + i))]);
            for (int token = 0; token < _form.Tokens; token++)
            {
                _code.vpaddsb(Lows, Rate, Codes[token]);
                if (_form.HasNegativeCodes)
                    _code.vpmaxsb(Lows, Lows, Zero);
                _code.vmovdqa64(Highs, Lows);
                _code.vpermi2b(Lows, Low0, Low1);
                _code.vpermi2b(Highs, High0, High1);
                _code.vpunpcklbw(Decay, Lows, Highs);
                if (count > 1)
                    _code.vpunpckhbw(Lows, Lows, Highs);
                for (int i = 0; i < count; i++)
                    UpdateState(token, pair + i, H[i], decay: i == 0 ? Decay : Lows, input: Highs);
            }
            for (int i = 0; i < count; i++)
                _code.vmovdqu64(__zmmword_ptr[States + (RegisterBytes * (pair + i))], H[i]);
        }
        _code.add(Rates, RegisterBytes * ((_form.Pairs + 1) / 2));
        _code.add(States, RegisterBytes * _form.Pairs);
    }

    private void UpdateState(
        int token, int pair, AssemblerRegisterZMM h, AssemblerRegisterZMM decay, AssemblerRegisterZMM input)
    {
        _code.vpmulhrsw(decay, decay, h);
        _code.vpbroadcastd(input, __dword_ptr[Tokens + _layout.B(token, pair)]);
        _code.vpmulhrsw(input, input, Inputs[token]);
        _code.vpaddsw(decay, decay, input);
        if (!_form.HasOneOffset)
            _code.vpbroadcastd(input, __dword_ptr[Tokens + _layout.Offset(token, pair)]);
        _code.vpaddsw(decay, decay, _form.HasOneOffset ? Offset : input);
        _code.vpandd(h, decay, Mask);
        _code.vpdpwssd(Sums[token], h, __dword_bcst[Tokens + _layout.C(token, pair)]);
    }

    /// <summary>((sum·unit)·s_C) + D·u, each operation rounded, as all forms do it.</summary>
    private void WriteOutputs()
    {
        _code.mov(Address, Argument(nameof(ScanChunkCall.OutputFactors)));
        _code.vmovups(Constant, __zmmword_ptr[Address]);
        _code.add(Argument(nameof(ScanChunkCall.OutputFactors)), RegisterBytes);
        _code.mov(Address, Argument(nameof(ScanChunkCall.CScales)));
        for (int token = 0; token < _form.Tokens; token++)
        {
            AssemblerRegisterZMM y = Sums[token];
            _code.vcvtdq2ps(y, y);
            _code.vmulps(y, y, Constant);
            _code.vmulps(y, y, __dword_bcst[Address + (sizeof(float) * token)]);
            _code.vaddps(y, y, Scratch(ScanTokenLayout.Skip(token)));
            if (_form.Accumulates)
                _code.vaddps(y, y, Row(Y, YStride, token));
            _code.vmovups(Row(Y, YStride, token), y);
        }
        _code.add(Y, RegisterBytes);
    }
}
