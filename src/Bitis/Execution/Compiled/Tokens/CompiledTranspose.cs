using Bitis.Execution.Planning;

namespace Bitis.Execution.Compiled.Tokens;

/// <summary>Tokens as maps: row c of the output has channel c of all tokens.</summary>
/// <param name="name">The node.</param>
/// <param name="x">The tokens, <c>[tokens, channels]</c>.</param>
/// <param name="y">The maps, <c>[channels·height, width]</c>, rows one after the other.</param>
internal sealed class CompiledTranspose(string name, ArenaMatrix x, ArenaMatrix y) : CompiledOperation(name)
{
    public override string Kind => "transpose";

    public override int Units => x.Columns;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        float* source = x.Pointer(arena), target = y.Pointer(arena);
        for (int channel = start; channel < end; channel++)
        {
            for (int token = 0; token < x.Rows; token++)
                target[((nint)channel * x.Rows) + token] = source[((nint)token * x.Stride) + channel];
        }
    }
}
