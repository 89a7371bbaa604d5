using Bitis.Execution.Planning;

namespace Bitis.Execution.Compiled.Tokens;

/// <summary>The mean over the tokens, summed in float64.</summary>
internal sealed class CompiledMeanTokens(string name, ArenaMatrix x, ArenaMatrix y) : CompiledOperation(name)
{
    public override string Kind => "mean";

    public override int Units => x.Columns;

    public override void Run(ArenaAddresses arena, int start, int end)
    {
        Span<float> mean = y.MemoryRow(arena, 0);
        for (int column = start; column < end; column++)
        {
            double sum = 0;
            for (int token = 0; token < x.Rows; token++)
                sum += x.Row(token).MemoryRow(arena, 0)[column];
            mean[column] = (float)(sum / x.Rows);
        }
    }
}
